import type { BusinessId, ConversationId, UserId } from '../../../shared/ids.ts';
import type { BusinessSettingsInput } from '../../../shared/protocol/business-requests.ts';
import type { ConversationRow } from '../records/conversation-rows.ts';
import { makeBusiness, makeConversation, stepTaker } from './business-stage.ts';
import { appendOk, letter, type StoreParts, setStage } from './store-stage.ts';

/** A shop is a business with one agent, and the conversation of one customer with it. */
type Shop = { id: ConversationId; business_id: BusinessId; customer: UserId; agent: UserId };
type Inbox = { version: number; due_at: string | null; claimed_until: string | null };
type MessageRow = { seq: number; message_type: string; sender_id: UserId; sent_at: string };

/** The business is open, and has an away message. */
export const OPEN: BusinessSettingsInput = { time_zone: 'UTC', away_message: 'We are away' };
/** The business never opens. */
export const CLOSED: BusinessSettingsInput = { ...OPEN, hours: {} };

/** Opens the stage of the tests of messages into business conversations. */
export async function setShopStage(t: Parameters<typeof setStage>[0]) {
  const stage = await setStage(t);
  const { store, sql } = stage;

  async function set(business_id: BusinessId, settings: BusinessSettingsInput): Promise<void> {
    const asked = { asker: 'service' as const, business_id, settings };
    await store.operations['businesses.set_settings'](asked, 0);
  }

  async function open(settings: BusinessSettingsInput = OPEN): Promise<Shop> {
    const { business, agents } = await makeBusiness(store, { agents: 1 });
    await set(business, settings);
    const { id, customer } = await makeConversation(store, business);
    return { id, business_id: business, customer, agent: agents[0] as UserId };
  }

  async function send({ id }: Shop, user: UserId, at: StoreParts = store) {
    const [sent] = await appendOk(at, id, [letter(user)]);
    return sent as NonNullable<typeof sent>;
  }

  const step = stepTaker(store);
  const take = ({ id, agent }: Shop, name: 'assign' | 'release' | 'close') =>
    step({ user: agent, id }, name);

  async function rowOf({ id }: Shop): Promise<ConversationRow> {
    const rows = await sql<ConversationRow>(
      'select * from conversations where conversation_id = $1',
      [id],
    );
    return rows[0] as ConversationRow;
  }

  async function inboxOf({ business_id: id }: Shop): Promise<Inbox | undefined> {
    return (await sql<Inbox>('select * from business_inboxes where business_id = $1', [id]))[0];
  }

  const messagesOf = ({ id }: Shop) =>
    sql<MessageRow>('select * from messages where conversation_id = $1 order by seq', [id]);

  const awayOf = async (shop: Shop) =>
    (await messagesOf(shop)).filter(
      ({ sender_id: sender }) => sender === (shop.business_id as string),
    );

  return {
    ...stage,
    openStore: stage.open,
    set,
    open,
    send,
    take,
    rowOf,
    inboxOf,
    messagesOf,
    awayOf,
  };
}
