import t from 'tap';
import { type ConversationId, newId, type UserId } from '../ids.ts';
import {
  ConversationInput,
  CreateConversationRequest,
  participantsProblem,
  readMuteUntil,
} from './conversation-requests.ts';
import {
  HistoryRequest,
  historyProblem,
  metadataProblem,
  SendRequest,
} from './message-requests.ts';
import { compileValidator } from './validator.ts';

t.test('a problem names its field, and at most three problems are told', async (t) => {
  const validator = compileValidator(SendRequest);
  const good = { client_msg_id: newId(), conversation_id: newId(), content: 'x' };
  t.ok(validator.check(good));
  t.ok(validator.check({ ...good, content: '👍'.repeat(8_000) }), 'code points count');
  t.notOk(validator.check({ ...good, content: '👍'.repeat(8_001) }));
  t.same(validator.problems({ ...good, extra: 1 }), ['unknown field extra']);
  t.match(validator.problems({ ...good, content: '' }), [/^content: /]);
  t.ok(validator.problems({}).length <= 3);
});

t.test('the caller counts as a participant, and a repeated participant counts once', async (t) => {
  const me = newId<UserId>();
  const others = Array.from({ length: 8 }, () => newId<UserId>());
  const problem = (type: 'direct' | 'group', participant_ids: UserId[]) =>
    participantsProblem({ type, participant_ids }, me);
  const [other] = others as [UserId];
  t.equal(problem('direct', [other]), undefined);
  t.equal(problem('direct', [me, other, other]), undefined);
  t.type(problem('direct', [me]), 'string');
  t.type(problem('direct', others.slice(0, 2)), 'string');
  t.equal(problem('group', [other]), undefined);
  t.equal(problem('group', [me, ...others.slice(0, 7)]), undefined);
  t.type(problem('group', [me]), 'string');
  t.type(problem('group', others), 'string');
  const validator = compileValidator(ConversationInput);
  t.notOk(validator.check({ type: 'business', participant_ids: [other] }));
  t.notOk(validator.check({ type: 'direct', participant_ids: [] }));
});

t.test('metadata has at most 4 KiB as JSON, in bytes', async (t) => {
  const sent = { client_msg_id: newId<string>(), conversation_id: newId<ConversationId>() };
  const problem = (rest: { metadata?: Record<string, unknown> }) =>
    metadataProblem({ ...sent, content: 'x', ...rest });
  t.equal(problem({}), undefined);
  t.equal(problem({ metadata: { a: 'x'.repeat(4_096 - 8) } }), undefined);
  t.type(problem({ metadata: { a: 'x'.repeat(4_096 - 7) } }), 'string');
  t.type(problem({ metadata: { a: 'ü'.repeat(2_048) } }), 'string');
});

t.test('a request for history may page in one way only', async (t) => {
  const validator = compileValidator(HistoryRequest);
  const conversation_id = newId();
  const problem = (query: object): boolean => {
    const request: unknown = { conversation_id, ...query };
    return !validator.check(request) || historyProblem(request) !== undefined;
  };
  t.notOk(problem({}));
  t.notOk(problem({ after_seq: 0, limit: 200 }));
  t.notOk(problem({ since: '2026-01-01T00:00:00.000Z' }));
  t.ok(problem({ before_seq: 1, since: '2026-01-01T00:00:00.000Z' }));
  t.ok(problem({ since: '2026-02-31T25:00:00Z' }));
  t.ok(problem({ since: '2026-02-30T00:00:00.000Z' }), 'not the 2nd of March');
  t.ok(problem({ since: '0000-01-01T00:00:00Z' }), 'no year 0');
  t.notOk(problem({ since: '0001-01-01T00:00:00Z' }));
  t.ok(problem({ before_seq: -1 }));
  t.ok(problem({ after_seq: 2 ** 53 }));
});

t.test('a mute ends at a time that exists and is not over', async (t) => {
  const until = (text: string) => readMuteUntil(text, Date.parse('2026-01-01T00:00:00.000Z'));
  t.same(until('2028-02-29T12:00:00Z'), { until: '2028-02-29T12:00:00.000Z' });
  t.same(until('2026-01-01T00:00:00.001999Z'), { until: '2026-01-01T00:00:00.001Z' });
  t.type(until('2026-01-01T00:00:00.000Z'), 'string');
  t.type(until('2030-02-30T00:00:00.000Z'), 'string', 'not the 2nd of March');
  t.type(until('2030-02-28T24:00:00.000Z'), 'string', 'nor the 1st');
});

t.test(
  'if several shapes are allowed, problems are about the shape that the client meant',
  async (t) => {
    const { problems } = compileValidator(ConversationInput);
    t.same(problems({ type: 'group', participant_ids: [] }), [
      'participant_ids: must not have fewer than 1 items',
    ]);
    t.same(problems({ type: 'direct' }), ['must have required properties participant_ids']);
    t.same(problems({ type: 'business', business_id: newId(), title: 'x' }), [
      'unknown field title',
    ]);
    t.same(problems({ type: 'channel' }), ['type: must be equal to constant']);
    const request = compileValidator(CreateConversationRequest);
    const conversation = { type: 'group', participant_ids: [] };
    t.same(request.problems({ conversation }), [
      'conversation.participant_ids: must not have fewer than 1 items',
    ]);
  },
);
