import t from 'tap';
import { newId } from '../../../shared/ids.ts';
import { firstFor } from './rendezvous.ts';

const ROUTERS = ['router-1', 'router-2', 'router-3', 'router-4'];
const KEYS = Array.from({ length: 4_000 }, () => newId<string>());

t.test('the order of the list of routers does not matter', async (t) => {
  for (const key of KEYS.slice(0, 200)) {
    t.equal(firstFor(key, [...ROUTERS].reverse()), firstFor(key, ROUTERS));
  }
  t.equal(firstFor('a', []), undefined);
});

t.test('keys are spread evenly over the routers', async (t) => {
  const counts = new Map<string, number>();
  for (const key of KEYS) {
    const first = firstFor(key, ROUTERS) as string;
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  for (const router of ROUTERS) {
    const share = (counts.get(router) ?? 0) / KEYS.length;
    t.ok(share > 0.21 && share < 0.29, `${router} ${share}`);
  }
});

t.test('the keys of a router that goes move to all others, and no other key moves', async (t) => {
  const rest = ROUTERS.filter((router) => router !== 'router-2');
  const heirs = new Set<string | undefined>();
  for (const key of KEYS) {
    const [before, after] = [firstFor(key, ROUTERS), firstFor(key, rest)];
    if (before === 'router-2') heirs.add(after);
    else if (after !== before) t.fail(`${key} moved`);
  }
  t.same([...heirs].sort(), rest);
});
