import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { decodeLive } from '../../../shared/contracts/events.ts';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { Typing } from './typing.ts';
import type { TypingAudiences } from './typing-audiences.ts';

const logger = createLogger({
  service: 'router',
  instance: 'router-1',
  level: 'silent',
  hashKey: 'a key',
});

t.test('an end is told only to participants who heard of the beginning', async (t) => {
  const [typist, friend, gone, newcomer] = Array.from({ length: 4 }, () => newId<UserId>());
  let participants = [typist, friend, gone] as UserId[];
  const audiences = {
    othersOf: async () => participants.filter((userId) => userId !== typist),
    known: () => participants,
  } as unknown as TypingAudiences;
  const told: [UserId, boolean][] = [];
  const publish = (userId: UserId, payload: string): void => {
    const { body } = decodeLive(Buffer.from(payload)) ?? {};
    told.push([userId, JSON.parse(Buffer.from(body ?? []).toString()).is_typing]);
  };
  const typing = new Typing({ audiences, publish, logger });
  t.teardown(() => typing.close());
  const place = { user_id: typist as UserId, conversation_id: newId<ConversationId>() };
  await typing.receive({ ...place, session_id: 's', is_typing: true }, steadyMs() + 1_000);
  t.same(told.splice(0), [
    [friend, true],
    [gone, true],
  ]);
  participants = [friend, newcomer] as UserId[];
  typing.sent(place);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(told, [[friend, false]]);
});

t.test(
  'the typing of a user who was removed ends at once, and that of others goes on',
  async (t) => {
    const [typist, leaver, friend] = Array.from({ length: 3 }, () => newId<UserId>()) as [
      UserId,
      UserId,
      UserId,
    ];
    let participants = [typist, leaver, friend];
    const audiences = {
      othersOf: async (_id: ConversationId, me: UserId) => participants.filter((one) => one !== me),
      known: () => participants,
    } as unknown as TypingAudiences;
    const told: [UserId, UserId, boolean][] = [];
    const publish = (userId: UserId, payload: string): void => {
      const { body } = decodeLive(Buffer.from(payload)) ?? {};
      const { user_id, is_typing } = JSON.parse(Buffer.from(body ?? []).toString());
      told.push([userId, user_id, is_typing]);
    };
    const typing = new Typing({ audiences, publish, logger });
    t.teardown(() => typing.close());
    const conversation_id = newId<ConversationId>();
    const startedAt = Date.now();
    for (const user_id of [typist, leaver]) {
      const input = { user_id, conversation_id, session_id: 's', is_typing: true };
      await typing.receive(input, steadyMs() + 1_000);
    }
    told.length = 0;
    participants = [typist, friend];
    typing.participantsChanged(conversation_id);
    await until('both who stayed are told', () => told.length >= 2);
    t.ok(Date.now() - startedAt < 4_000, 'before its time is over');
    t.same(told, [
      [typist, leaver, false],
      [friend, leaver, false],
    ]);
  },
);
