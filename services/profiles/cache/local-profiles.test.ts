import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { Profile } from '../profile.ts';
import { createLocalProfiles } from './local-profiles.ts';

const id = newId<UserId>();
const key = `user:${id}`;
const profile: Profile = { kind: 'user', fields: { id, name: 'Old' } };

t.test(
  'a kept profile that an answer lacks is still shown and is asked for again after 30 s',
  async (t) => {
    const local = createLocalProfiles(() => 0.5);
    const since = Date.now();
    local.set(key, { profile, freshUntil: 1, since });
    local.setUnknown(key, since);
    t.equal(local.get(key)?.profile, profile);
    t.ok((local.get(key)?.checkedUntil ?? 0) >= since + 30_000);
  },
);

t.test(
  'an id that an answer lacks is not unknown if the answer is older than an event',
  async (t) => {
    const local = createLocalProfiles(() => 0.5);
    const since = Date.now();
    local.outdate(key);
    local.setUnknown(key, since);
    t.notOk(local.isUnknown(key));
    local.setUnknown(key, Date.now() + 1);
    t.ok(local.isUnknown(key));
  },
);
