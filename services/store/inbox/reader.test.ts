import t from 'tap';
import { maySee } from '../../../shared/business/may-see.ts';
import type { InboxOwner } from '../../../shared/contracts/inbox.ts';
import {
  type BusinessId,
  type ConversationId,
  type MessageId,
  newId,
  type UserId,
} from '../../../shared/ids.ts';
import type { BusinessState } from '../../../shared/protocol/shapes.ts';
import { makeConversation } from '../stage/business-stage.ts';
import { appendOk, createTalk, letter, setStage } from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const { operations } = store;

const [agent, other, manager, stranger, customer] = Array.from({ length: 5 }, () =>
  newId<UserId>(),
) as [UserId, UserId, UserId, UserId, UserId];
const people = { agent, other, manager, stranger };
const business_id = newId<BusinessId>();
await operations['businesses.set_agents'](
  {
    asker: 'service',
    business_id,
    agents: [{ user_id: agent }, { user_id: other }, { user_id: manager, role: 'manager' }],
  },
  0,
);
const roles = { agent: 'agent', other: 'agent', manager: 'manager', stranger: undefined } as const;

/** The conversation has messages of the customer. */
const { id } = await makeConversation(store, business_id, customer);
await sql("update conversations set type = 'direct', state = null");
const written = await appendOk(store, id, [letter(customer, 'one'), letter(customer, 'two')]);
await sql("update conversations set type = 'business', state = 'closed'");
const message_id = written[0]?.message_id as MessageId;

/** Only the row of the conversation changes, so nobody but the customer takes part. */
const set = ({ state, assignee_id = null, last_agent_id = null }: Partial<Row>) =>
  sql(
    `update conversations
      set state = $2::business_state, assignee_id = $3, last_agent_id = $4,
        waiting_since = case when $2::business_state = 'waiting' then now() end
      where conversation_id = $1`,
    [id, state, assignee_id, last_agent_id],
  );
type Row = { state: BusinessState; assignee_id: UserId | null; last_agent_id: UserId | null };

const OWNERS: Omit<InboxOwner, 'customer_id'>[] = [
  { state: 'waiting' },
  { state: 'waiting', last_agent_id: other },
  { state: 'assigned', assignee_id: agent, last_agent_id: agent },
  { state: 'assigned', assignee_id: other, last_agent_id: other },
  { state: 'closed' },
  { state: 'closed', last_agent_id: agent },
  { state: 'closed', last_agent_id: other },
];

const okOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );

t.test('who may see a conversation of their business reads it without taking part', async (t) => {
  for (const owner of OWNERS) {
    await set(owner);
    for (const [who, user_id] of Object.entries(people)) {
      const role = roles[who as keyof typeof roles];
      const isSeen = maySee({ user_id, role }, { ...owner, customer_id: customer });
      const asked = { user_id, conversation_id: id };
      const message = `${who}: ${JSON.stringify(owner)}`;
      const refusal = isSeen ? 'ok' : 'NOT_A_PARTICIPANT';
      t.equal(await okOf(operations['conversations.get'](asked, 0)), refusal, message);
      t.equal(await okOf(operations['messages.history'](asked, 0)), refusal, message);
      const named = { user_id, message_id };
      const none = isSeen ? 'ok' : 'MESSAGE_NOT_FOUND';
      t.equal(await okOf(operations['messages.get'](named, 0)), none, message);
      const placed = await okOf(operations['messages.locate'](named, 0));
      t.equal(placed, 'MESSAGE_NOT_FOUND', `${message}, and changes no message`);
    }
  }
});

t.test('a reader is shown all messages, and nothing of their own', async (t) => {
  await set({ state: 'waiting' });
  const asked = { user_id: agent, conversation_id: id };
  const { record } = await operations['conversations.get'](asked, 0);
  t.match(record, { state: 'waiting', last_seq: 2, last_message: { content: 'two' } });
  for (const field of ['unread', 'last_read_seq', 'is_muted']) t.notOk(field in record, field);
  const page = await operations['messages.history']({ ...asked, limit: 1 }, 0);
  t.match(page, { has_more: true, first_seq: 1, messages: [{ seq: 2, content: 'two' }] });
  const rest = await operations['messages.history']({ ...asked, before_seq: 2 }, 0);
  t.match(rest, { has_more: false, messages: [{ seq: 1, content: 'one' }] });
  t.same(
    page.receipts.map(({ user_id }) => user_id),
    [customer],
  );
  t.match(await operations['messages.get']({ user_id: agent, message_id }, 0), { seq: 1 });
});

t.test('an agent of another business reads nothing, and a manager nothing of people', async (t) => {
  await set({ state: 'waiting' });
  const elsewhere = newId<BusinessId>();
  const boss = newId<UserId>();
  await operations['businesses.set_agent'](
    { asker: 'service', business_id: elsewhere, agent: { user_id: boss, role: 'manager' } },
    0,
  );
  const talk = await createTalk(store);
  for (const conversation_id of [id, talk.id]) {
    const asked = { user_id: boss, conversation_id };
    await t.rejects(operations['conversations.get'](asked, 0), { code: 'NOT_A_PARTICIPANT' });
    await t.rejects(operations['messages.history'](asked, 0), { code: 'NOT_A_PARTICIPANT' });
  }
  await t.rejects(operations['messages.get']({ user_id: boss, message_id }, 0), {
    code: 'MESSAGE_NOT_FOUND',
  });
  await t.rejects(operations['messages.get']({ user_id: boss, message_id: newId() }, 0), {
    code: 'MESSAGE_NOT_FOUND',
  });
  const nowhere = { user_id: boss, conversation_id: newId<ConversationId>() };
  await t.rejects(operations['conversations.get'](nowhere, 0), { code: 'CONVERSATION_NOT_FOUND' });
});

t.test('who is removed from the business reads nothing from then on', async (t) => {
  await set({ state: 'closed', last_agent_id: other });
  const asked = { user_id: other, conversation_id: id };
  t.equal(await okOf(operations['messages.history'](asked, 0)), 'ok');
  await operations['businesses.remove_agent']({ asker: 'service', business_id, user_id: other }, 0);
  t.equal(await okOf(operations['messages.history'](asked, 0)), 'NOT_A_PARTICIPANT');
  t.equal(await okOf(operations['conversations.get'](asked, 0)), 'NOT_A_PARTICIPANT');
});
