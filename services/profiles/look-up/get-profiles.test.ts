import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import type { Profile, ProfileMap } from '../profile.ts';
import { replyOf } from './get-profiles.ts';

const NATS_BYTES_MAX = 1024 * 1024;

function profiles(count: number, fields: { name: string; avatar_url?: string }): ProfileMap {
  const all = Array.from({ length: count }, (): [string, Profile] => {
    const id = newId<UserId>();
    return [`user:${id}`, { kind: 'user', fields: { id, ...fields } }];
  });
  return new Map(all);
}

t.test('an ordinary reply is sent whole', async (t) => {
  const { reply, trimmed } = replyOf(profiles(2_000, { name: 'Asha', avatar_url: 'https://x/y' }));
  t.equal(reply.users.length, 2_000);
  t.ok(reply.users.every(({ avatar_url: url }) => url === 'https://x/y'));
  t.equal(trimmed, 0);
});

t.test('a reply that is too large for NATS loses avatars first, then profiles', async (t) => {
  const url = `https://x/${'"'.repeat(2_000)}`;
  const some = replyOf(profiles(1_000, { name: 'Asha', avatar_url: url }));
  t.equal(some.reply.users.length, 1_000);
  t.ok(some.reply.users[0]?.avatar_url !== undefined && some.trimmed > 0);
  const worst = replyOf(profiles(2_000, { name: '\u0001'.repeat(200), avatar_url: url }));
  t.ok(worst.reply.users.length > 300);
  const hundred = replyOf(profiles(100, { name: '"'.repeat(200), avatar_url: url }));
  t.equal(hundred.trimmed, 0);
  for (const { reply } of [some, worst, hundred]) {
    const user_ids = Array.from({ length: 2_000 - reply.users.length }, () => newId<UserId>());
    t.ok(JSON.stringify({ data: { ...reply, missed: { user_ids } } }).length < NATS_BYTES_MAX);
  }
});
