import { randomBytes } from 'node:crypto';
import t from 'tap';
import { newId } from '../../../shared/ids.ts';
import { threadOf } from './thread-of.ts';

t.test(
  'a conversation has one name for each key, which fits a topic and tells no id',
  async (t) => {
    const [key, id] = [randomBytes(32), newId<string>()];
    const name = threadOf(key, id);
    t.match(name, /^[\w-]{32}$/);
    t.equal(threadOf(key, id), name);
    t.not(threadOf(randomBytes(32), id), name);
    t.not(threadOf(key, newId<string>()), name);
    t.notMatch(name, id.slice(0, 8));
  },
);
