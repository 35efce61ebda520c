import { newId } from '../../shared/ids.ts';
import { askAsService, makeBusiness } from './business.ts';
import { BusinessConversation } from './business-conversation.ts';
import type { Person, System } from './stack.ts';

/**
 * A scene is a group with one message, and a business. Ann is the admin of the group, the sender,
 * and a manager of the business, of which Bob is an agent. A customer of the business is waiting.
 * Ann's phone is registered for pushes.
 */
type Scene = {
  ann: Person;
  bob: Person;
  eve: Person;
  conversation: string;
  message: string;
  seq: number;
  business: string;
  waiting: string;
};
type Call = { params?: Record<string, string>; query?: string; body?: unknown };

/**
 * Makes new people and a new group for each call, because some calls end what others need, and all
 * have limits.
 */
export async function setScene(system: System): Promise<Scene> {
  const [ann, bob, eve, zoe] = await system.people(4);
  const conversation = await system.conversation([ann, bob, zoe]);
  const path = `/api/v1/conversations/${conversation}/messages`;
  const body = { client_msg_id: newId<string>(), content: 'hello' };
  const sent = await system.rest('POST', path, { token: ann.token, body });
  const { message_id: message, seq } = sent.body as { message_id: string; seq: number };
  const registration = { provider: 'fcm', token: `fcm:${newId<string>()}` };
  const push = `/api/v1/devices/${DEVICE.device_id}/push`;
  await system.rest('PUT', push, { token: ann.token, body: registration });
  const business = await makeBusiness(system, { managers: [ann], agents: [bob] });
  const talk = await BusinessConversation.open(system, zoe, business);
  await talk.say(zoe, 'hello');
  return { ann, bob, eve, conversation, message, seq, business, waiting: talk.id };
}

const EMOJI = encodeURIComponent('👍');
const DEVICE = { device_id: 'phone' };
const there = ({ conversation }: Scene) => ({ conversation_id: conversation });
const firm = ({ business }: Scene) => ({ business_id: business });
const desk = ({ waiting }: Scene) => ({ conversation_id: waiting });
const that = ({ message }: Scene) => ({ message_id: message });

type Sample = (scene: Scene, system: System) => Call | Promise<Call>;

/** The table has one good call of each REST operation, by method and documented path. */
export const CALLS: Readonly<Record<string, Sample>> = {
  'POST /conversations': ({ eve }) => ({ body: { type: 'direct', participant_ids: [eve.id] } }),
  'GET /conversations': () => ({ query: 'limit=2' }),
  'GET /conversations/{conversation_id}': (scene) => ({ params: there(scene) }),
  'PATCH /conversations/{conversation_id}': (scene) => ({
    params: there(scene),
    body: { title: 'Another' },
  }),
  'DELETE /conversations/{conversation_id}': (scene) => ({ params: there(scene) }),
  'DELETE /conversations/{conversation_id}/content': (scene) => ({ params: there(scene) }),
  'PUT /conversations/{conversation_id}/mute': (scene) => ({ params: there(scene) }),
  'DELETE /conversations/{conversation_id}/mute': (scene) => ({ params: there(scene) }),
  'POST /conversations/{conversation_id}/participants': (scene) => ({
    params: there(scene),
    body: { user_ids: [scene.eve.id], share_history: true },
  }),
  'DELETE /conversations/{conversation_id}/participants/{user_id}': (scene) => ({
    params: { ...there(scene), user_id: scene.bob.id },
  }),
  'PUT /conversations/{conversation_id}/assignee': (scene) => ({
    params: desk(scene),
    body: { agent_id: scene.bob.id, force: true },
  }),
  'DELETE /conversations/{conversation_id}/assignee': (scene) => ({ params: desk(scene) }),
  'PUT /conversations/{conversation_id}/state': (scene) => ({
    params: desk(scene),
    body: { state: 'closed' },
  }),
  'GET /conversations/{conversation_id}/messages': (scene) => ({
    params: there(scene),
    query: 'after_seq=0&limit=10',
  }),
  'POST /conversations/{conversation_id}/messages': (scene) => ({
    params: there(scene),
    body: { client_msg_id: newId<string>(), content: 'hi', reply_to: scene.message },
  }),
  'GET /messages/{message_id}': (scene) => ({ params: that(scene) }),
  'PATCH /messages/{message_id}': (scene) => ({ params: that(scene), body: { content: 'hey' } }),
  'DELETE /messages/{message_id}': (scene) => ({ params: that(scene) }),
  'PUT /messages/{message_id}/read': (scene) => ({ params: that(scene) }),
  'PUT /messages/{message_id}/reactions/{emoji}': (scene) => ({
    params: { ...that(scene), emoji: EMOJI },
  }),
  'DELETE /messages/{message_id}/reactions/{emoji}': (scene) => ({
    params: { ...that(scene), emoji: EMOJI },
  }),
  'GET /presence': ({ bob }) => ({ query: `user_ids=${bob.id}` }),
  'POST /presence/query': ({ bob }) => ({
    body: { user_ids: [bob.id], business_ids: [newId<string>()] },
  }),
  'GET /businesses/{business_id}': (scene) => ({ params: firm(scene) }),
  'PUT /businesses/{business_id}': (scene) => ({
    params: firm(scene),
    body: { time_zone: 'Asia/Kathmandu', hours: { mon: [['09:00', '18:00']] } },
  }),
  'GET /businesses/{business_id}/agents': (scene) => ({ params: firm(scene), query: 'limit=1' }),
  'PUT /businesses/{business_id}/agents': (scene) => ({
    params: firm(scene),
    body: { agents: [{ user_id: scene.eve.id, role: 'agent', capacity: 1 }] },
  }),
  'PUT /businesses/{business_id}/agents/{user_id}': (scene) => ({
    params: { ...firm(scene), user_id: scene.eve.id },
    body: { role: 'manager' },
  }),
  'DELETE /businesses/{business_id}/agents/{user_id}': (scene) => ({
    params: { ...firm(scene), user_id: scene.bob.id },
  }),
  'PUT /businesses/{business_id}/availability': (scene) => ({
    params: firm(scene),
    body: { status: 'available' },
  }),
  'GET /businesses/{business_id}/inbox': (scene) => ({
    params: firm(scene),
    query: 'view=waiting&limit=5',
  }),
  'GET /users/{user_id}/export': ({ ann }) => ({ params: { user_id: ann.id } }),
  'GET /devices': () => ({}),
  'DELETE /devices/{device_id}': () => ({ params: DEVICE }),
  'PUT /devices/{device_id}/push': () => ({
    params: DEVICE,
    body: { provider: 'fcm', token: `fcm:${newId<string>()}`, content: 'full' },
  }),
  'DELETE /devices/{device_id}/push': () => ({ params: DEVICE }),
  'GET /push/webpush-key': () => ({}),
  'DELETE /users/{user_id}': ({ eve }) => ({ params: { user_id: eve.id } }),
  'GET /jobs/{job_id}': async ({ eve }, system) => {
    const { body } = await askAsService(system, `DELETE /users/${eve.id}`);
    return { params: body as { job_id: string } };
  },
  'GET /openapi.json': () => ({}),
  'GET /asyncapi.json': () => ({}),
  'GET /docs': () => ({}),
  'GET /docs/socket': () => ({}),
};

/** The table has one good frame of each type. */
export const FRAMES: Readonly<Record<string, (scene: Scene) => Record<string, unknown>>> = {
  auth: ({ ann }) => ({ token: ann.token }),
  message: (scene) => ({ ...there(scene), client_msg_id: newId<string>(), content: 'hi' }),
  edit: (scene) => ({ ...that(scene), content: 'hey' }),
  delete: that,
  react: (scene) => ({ ...that(scene), emoji: '👍' }),
  ack: () => ({ q: 1 }),
  read: (scene) => ({ ...there(scene), seq: scene.seq }),
  typing: (scene) => ({ ...there(scene), is_typing: true }),
  ping: () => ({}),
  history: there,
  conversations: () => ({ limit: 2 }),
  create_conversation: ({ eve }) => ({
    conversation: { type: 'direct', participant_ids: [eve.id] },
  }),
  assign: desk,
  release: desk,
  close: desk,
  reopen: desk,
  availability: (scene) => ({ ...firm(scene), status: 'away' }),
  inbox: (scene) => ({ ...firm(scene), view: 'mine' }),
  inbox_watch: firm,
  inbox_unwatch: firm,
  presence_watch: ({ bob, business }) => ({ user_ids: [bob.id], business_ids: [business] }),
  presence_unwatch: ({ bob }) => ({ user_ids: [bob.id] }),
};
