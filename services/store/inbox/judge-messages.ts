import { hoursAt } from '../../../shared/business/hours.ts';
import type { UserId } from '../../../shared/ids.ts';
import type { BusinessSettings } from '../../../shared/protocol/business-shapes.ts';
import type { ConversationRow } from '../records/conversation-rows.ts';

/** These messages were just written, in the order of their `seq`. */
type Sent = { sender_id: UserId; seq: number; sent_at: string };

type Judged = {
  /** The business conversation as it was before the messages. */
  conversation: ConversationRow;
  sent: readonly Sent[];
  /** A business of which nobody has set anything has no settings. */
  settings: BusinessSettings | undefined;
  /** This is the time of the database's clock. */
  now: string;
};

const FIELDS = [
  'state',
  'preferred_agent_id',
  'waiting_since',
  'opened_at',
  'closed_at',
  'unanswered_seq',
  'unanswered_since',
  'has_answered',
  'answered_at',
  'away_until',
] as const;
type Fields = Pick<ConversationRow, (typeof FIELDS)[number]>;

export type MessagesPlan = {
  /** These columns change. */
  set: Partial<Fields>;
  /** The inbox gets the conversation, or shows one that waits with its new message. */
  change?: 'added' | 'updated';
  /** The business sends this text, and `set` says how long it is silent then. */
  awayMessage?: string;
  /** An agent has answered for the first time since the conversation was opened. */
  firstResponseMs?: number;
};

/** The wire writes no later time. A business that never opens is silent until then. */
const NEVER = '9999-12-31T23:59:59.999Z';
/** No away message comes so soon after a message of an agent. */
const AFTER_AGENT_MS = 5 * 60_000;

/**
 * Decides what messages change of a business conversation. Only the customer and the agent who has
 * the conversation write into it.
 *
 *     customer   closed → waiting, since that message
 *                It is the first one that nobody has answered, if there was none. What waits
 *                already keeps the time since which it waits.
 *                The business sends its away message, if one is due.
 *     agent      All is answered. A business that never opens may send an away message again.
 *
 * An away message is due if the business is closed at the time `now`, the opening time that the
 * last one named has passed, and no agent has written for 5 minutes.
 */
export function judgeMessages({ conversation, sent, settings, now }: Judged): MessagesPlan {
  const after: Fields = { ...conversation };
  const plan: MessagesPlan = { set: {} };
  let hasCustomer = false;
  for (const one of sent) {
    if (one.sender_id === conversation.customer_id) {
      hasCustomer = true;
      hearCustomer(after, conversation, one);
    } else {
      const firstResponseMs = hearAgent(after, one);
      if (firstResponseMs !== undefined) plan.firstResponseMs = firstResponseMs;
    }
  }
  if (hasCustomer) {
    if (after.state !== conversation.state) plan.change = 'added';
    else if (after.state === 'waiting') plan.change = 'updated';
    const away = settings && awayMessage(after, settings, now);
    if (away !== undefined) {
      plan.awayMessage = away.text;
      after.away_until = away.until;
    }
  }
  plan.set = changesBetween(conversation, after);
  return plan;
}

function hearCustomer(after: Fields, { last_agent_id }: ConversationRow, one: Sent): void {
  after.unanswered_seq ??= one.seq;
  after.unanswered_since ??= after.waiting_since ?? one.sent_at;
  if (after.state !== 'closed') return;
  after.state = 'waiting';
  after.waiting_since = after.unanswered_since;
  after.preferred_agent_id = last_agent_id;
  after.opened_at = one.sent_at;
  after.closed_at = null;
}

/**
 * Returns how long the conversation waited for it, if this is the first answer since the opening,
 * and the customer has asked.
 */
function hearAgent(after: Fields, { sent_at }: Sent): number | undefined {
  const { unanswered_seq: asked, unanswered_since: since, answered_at, opened_at } = after;
  const isFirst = answered_at === null || (opened_at !== null && answered_at < opened_at);
  after.unanswered_seq = null;
  after.unanswered_since = null;
  after.has_answered = true;
  after.answered_at = sent_at;
  if (after.away_until === NEVER) after.away_until = null;
  if (!isFirst || asked === null || since === null) return undefined;
  return Date.parse(sent_at) - Date.parse(since);
}

type Away = { text: string; until: string };

function awayMessage(
  { away_until, answered_at }: Fields,
  settings: BusinessSettings,
  now: string,
): Away | undefined {
  const { away_message: text } = settings;
  const nowMs = Date.parse(now);
  if (text === undefined || (away_until !== null && Date.parse(away_until) > nowMs)) return;
  if (answered_at !== null && nowMs - Date.parse(answered_at) < AFTER_AGENT_MS) return;
  const { isOpen, changesAtMs } = hoursAt(settings, nowMs);
  if (isOpen) return;
  return { text, until: changesAtMs === undefined ? NEVER : new Date(changesAtMs).toISOString() };
}

function changesBetween(before: Fields, after: Fields): Partial<Fields> {
  const changed = FIELDS.filter((field) => after[field] !== before[field]);
  return Object.fromEntries(changed.map((field) => [field, after[field]]));
}
