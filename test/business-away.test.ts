import t from 'tap';
import { newId } from '../shared/ids.ts';
import { askAsService, makeBusiness, NEVER_OPEN } from './stage/business.ts';
import { BusinessConversation } from './stage/business-conversation.ts';
import type { Client, MessageEvent } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { shareStack } from './stage/stack.ts';

const system = await shareStack(t);

const TEXT = 'We are away “today” 🙏';
const isAway = ({ message_type: type }: MessageEvent): boolean => type === 'system';

/** A customer with two devices, and a business that never opens. */
async function setScene(away_message = TEXT) {
  const [customer, agent] = await system.people(2);
  const business = await makeBusiness(system, { agents: [agent] });
  await askAsService(system, `PUT /businesses/${business}`, { ...NEVER_OPEN, away_message });
  const talk = await BusinessConversation.open(system, customer, business);
  const devices = [
    await system.connectNew(customer),
    await system.connectNew(customer, { edge: 2, device: 'tablet' }),
  ];
  return { customer, agent, business, talk, devices };
}

t.test('20 messages at once to a closed business bring one away message', async (t) => {
  const { customer, agent, business, talk, devices } = await setScene();
  const post = (index: number) => {
    const { token } = customer;
    const body = { client_msg_id: newId<string>(), content: `${index}` };
    const path = `/api/v1/conversations/${talk.id}/messages`;
    return system.rest('POST', path, { token, body, edge: 1 + (index % 2) });
  };
  const sends = numbers(1, 20).map(async (index) => {
    if (index % 4 < 2) return (await post(index)).status;
    const { data } = await (devices[index % 2] as Client).post(talk.id, `${index}`);
    return data === undefined ? 0 : 201;
  });
  t.same(new Set(await Promise.all(sends)), new Set([201]));
  for (const device of devices) {
    const events = await device.messages(21);
    t.same(seqsOf(events), numbers(1, 21), 'events come in order');
    const [away, ...more] = events.filter(isAway);
    t.same(more, []);
    t.match(away, { content: TEXT, sender_id: business, metadata: { event: 'away_message' } });
    t.ok(away !== undefined && away.seq > 1 && !('client_msg_id' in away));
  }
  const history = await talk.history(customer);
  t.match((await talk.get(agent)).body, {
    state: 'waiting',
    waiting_since: history[0]?.sent_at,
    last_seq: 21,
  });
  t.same(
    await talk.history(agent),
    history.map(({ status: _own, ...message }) => message),
  );
});

t.test('an away message is unread, is shown in lists, and answers nothing', async (t) => {
  const { customer, agent, business, talk, devices } = await setScene();
  await talk.say(customer, 'Namaste?');
  await (devices[0] as Client).messages(2);
  const list = await system.rest('GET', '/api/v1/conversations', { token: customer.token });
  const last_message = { seq: 2, content: TEXT, sender_id: business, message_type: 'system' };
  t.match(list.body, {
    conversations: [{ conversation_id: talk.id, unread: 1, last_read_seq: 1, last_message }],
  });
  const inbox = await system.rest('GET', `/api/v1/businesses/${business}/inbox?view=waiting`, {
    token: agent.token,
  });
  t.match(inbox.body, { conversations: [{ conversation_id: talk.id, last_message }], version: 1 });
  await talk.say(customer, 'Anybody?');
  t.equal((await talk.history(customer)).filter(isAway).length, 1);
  const reply_to = (await talk.history(customer))[1]?.message_id;
  const body = { client_msg_id: newId<string>(), content: 'When?', reply_to };
  t.equal((await talk.ask(customer, 'POST /messages', body)).status, 201);
  const shown = { message_id: reply_to, content: TEXT, message_type: 'system' };
  t.match((await talk.history(customer))[3], { reply_to: shown });
});

t.test('an away message of blanks is none', async (t) => {
  const { customer, talk } = await setScene(' \n ');
  await talk.say(customer, 'Namaste?');
  t.same(seqsOf(await talk.history(customer)), [1]);
});
