import t from 'tap';
import type { PushFacts, PushMessage } from '../../../shared/contracts/pushes/push-facts.ts';
import { type BusinessId, type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { composeAlert } from './compose-alert.ts';
import type { Names } from './names.ts';

const [asha, bibek] = [newId<UserId>(), newId<UserId>()];
const business = newId<BusinessId>();
const names: Names = {
  users: new Map([
    [asha, 'Asha'],
    [bibek, 'Bibek'],
  ]),
  businesses: new Map([[business, 'Kaha Pizza']]),
};
const SENT_AT = '2026-11-30T12:00:00.000Z';

const message = (changed: Partial<PushMessage> = {}): PushMessage => ({
  ...{ message_id: newId(), seq: 1, sender_id: asha, message_type: 'text', content: 'Hello' },
  sent_at: SENT_AT,
  ...changed,
});

type Case = {
  conversation?: Partial<PushFacts['conversation']>;
  messages?: [PushMessage, ...PushMessage[]];
  content?: 'full' | 'sender' | 'none';
};

function composed({ conversation = {}, messages = [message()], content = 'full' }: Case) {
  const device = {
    ...{ device_id: 'phone', content, registered_at: SENT_AT },
    address: { provider: 'fcm' as const, token: 't' },
  };
  const facts: PushFacts = {
    ...{ devices: [device], read_seq: 0, delivered_seq: 0, is_muted: false, messages, badge: 2 },
    conversation: { type: 'direct', others: [asha], ...conversation },
  };
  return composeAlert({
    ...{ device, messages, scene: { facts, names }, threadKey: Buffer.from('key') },
    conversationId: newId<ConversationId>(),
  });
}

t.test('an alert has the name of the conversation as its participants see it', async (t) => {
  const group = { type: 'group' as const, others: [asha, bibek] };
  t.match(composed({}), { title: 'Asha', body: 'Hello', badge: 2 });
  t.match(composed({ conversation: group }), { title: 'Asha, Bibek', body: 'Asha: Hello' });
  t.match(composed({ conversation: { ...group, title: 'Trek' } }), { title: 'Trek' });
  const shop = { type: 'business' as const, business_id: business };
  t.match(composed({ conversation: shop }), { title: 'Kaha Pizza', body: 'Asha: Hello' });
});

t.test('names that did not come are unknown', async (t) => {
  const stranger = newId<UserId>();
  t.match(composed({ messages: [message({ sender_id: stranger })] }), { title: 'Unknown User' });
  const shop = { type: 'business' as const, business_id: newId<BusinessId>() };
  t.match(composed({ conversation: shop }), { title: 'Unknown Business' });
});

t.test('an alert of several messages counts them, and leads to the newest', async (t) => {
  const last = message({ seq: 9 });
  const alert = composed({ messages: [message({ seq: 7 }), message({ seq: 8 }), last] });
  t.match(alert, { body: '3 new messages', data: { message_id: last.message_id, seq: 9 } });
  t.equal(alert?.expiresAtMs, Date.parse(SENT_AT) + 86_400_000);
});

t.test('a message whose text is not known is told of without it', async (t) => {
  const { content: _hidden, ...bare } = message();
  t.match(composed({ messages: [bare] }), { body: 'New message' });
  t.match(composed({ content: 'none' }), { body: 'New message', title: undefined });
});

t.test('system messages that concern the user have words of their own', async (t) => {
  const added = message({ message_type: 'system', concerns_user: 'added' });
  const group = { type: 'group' as const, title: 'Trek' };
  t.match(composed({ messages: [added], conversation: group }), { body: 'Asha added you' });
  const assigned = message({ message_type: 'system', concerns_user: 'assigned' });
  t.match(composed({ messages: [assigned] }), { body: 'A conversation was assigned to you' });
});
