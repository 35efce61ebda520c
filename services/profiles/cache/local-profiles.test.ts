import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { Profile } from '../profile.ts';
import { createLocalProfiles } from './local-profiles.ts';

const id = newId<UserId>();
const key = `user:${id}`;
const profile: Profile = { kind: 'user', fields: { id, name: 'Old' } };

t.test(
  'a kept profile that an answer lacks is still shown and is asked for again after 30 s',
  async (t) => {
    const local = createLocalProfiles(() => 0.5);
    const since = steadyMs();
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
    const since = steadyMs();
    local.outdate(key);
    local.setUnknown(key, since);
    t.notOk(local.isUnknown(key));
    local.setUnknown(key, steadyMs() + 1);
    t.ok(local.isUnknown(key));
  },
);

t.test('profiles with the longest names and addresses take no more than 32 MiB', async (t) => {
  const local = createLocalProfiles(() => 0.5);
  const fields = { name: 'ñ'.repeat(200), avatar_url: `https://a/${'x'.repeat(2_038)}` };
  const keys = Array.from({ length: 20_000 }, (_, n) => `user:${n}`);
  for (const one of keys) {
    const long: Profile = { kind: 'user', fields: { id, ...fields } };
    local.set(one, { profile: long, freshUntil: 1, since: 1 });
  }
  t.ok(local.size < 7_000, `${local.size} are kept`);
  t.equal(local.get('user:0'), undefined, 'the oldest are dropped');
  t.ok(local.get('user:19999'));
});
