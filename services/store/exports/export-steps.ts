import type { ExportItem } from '../../../shared/protocol/export-shapes.ts';
import { listDevices } from '../devices/list-devices.ts';
import { present } from '../records/present.ts';
import { type ExportPlace, LOWEST_ID } from './export-place.ts';
import {
  type Conversation,
  selectAgents,
  selectConversations,
  selectReactions,
} from './export-rows.ts';
import type { ExportDeps, ExportStep } from './export-step.ts';
import { type Behind, messageSteps } from './message-steps.ts';

type Steps = AsyncGenerator<ExportStep, void>;

/** The steps of an export come in the order of `ExportPlace`, from behind a place on. */
export async function* exportSteps(deps: ExportDeps, from: ExportPlace): Steps {
  if (from.list === 'agents') yield* agentSteps(deps, from.id);
  if (from.list === 'agents' || from.list === 'conversations') {
    const start = { id: LOWEST_ID, seq: 0, version: 0 };
    yield* conversationSteps(deps, from.list === 'agents' ? start : from);
  }
  if (from.list !== 'devices') {
    const start = { id: LOWEST_ID, version: 0 };
    yield* reactionSteps(deps, from.list === 'reactions' ? from : start);
  }
  yield* deviceSteps(deps, from.list === 'devices' ? from.id : '');
}

async function* agentSteps(deps: ExportDeps, after: string): Steps {
  for (let id = after; ; ) {
    const rows = await selectAgents(deps, id);
    const last = rows.at(-1);
    if (last === undefined) return;
    for (const row of rows) {
      yield { item: { kind: 'agent', ...row }, place: { list: 'agents', id: row.business_id } };
    }
    id = last.business_id;
  }
}

type ConversationPlace = Behind & { id: string };

async function* conversationSteps(deps: ExportDeps, from: ConversationPlace): Steps {
  const [left] = await selectConversations(deps, { at: from.id });
  if (left !== undefined) yield* messageSteps(deps, left, from);
  for (let { id } = from; ; ) {
    const rows = await selectConversations(deps, { after: id });
    const last = rows.at(-1);
    if (last === undefined) return;
    for (const row of rows) {
      const behind = { seq: 0, version: 0 };
      const place = { list: 'conversations', id: row.conversation_id, ...behind } as const;
      yield { item: toItem(row), place };
      yield* messageSteps(deps, row, behind);
    }
    id = last.conversation_id;
  }
}

/** A person who has left a group is not told what the group is called now. */
function toItem(row: Conversation): ExportItem {
  const { conversation_id, type, role, joined_at } = row;
  const names = row.left_at === null ? present(row, ['title', 'description']) : {};
  const rest = present(row, ['business_id', 'left_at']);
  return { kind: 'conversation', conversation_id, type, role, joined_at, ...rest, ...names };
}

async function* reactionSteps(deps: ExportDeps, from: { id: string; version: number }): Steps {
  for (let after = from; ; ) {
    const rows = await selectReactions(deps, after);
    const last = rows.at(-1);
    if (last === undefined) return;
    for (const { version, ...row } of rows) {
      const place = { list: 'reactions', id: row.message_id, version } as const;
      yield { item: { kind: 'reaction', ...row }, place };
    }
    after = { id: last.message_id, version: last.version };
  }
}

/** A person has few devices. Tokens of pushes are secrets, and no service is told of them. */
async function* deviceSteps({ db, userId }: ExportDeps, after: string): Steps {
  const { devices } = await listDevices(db, userId);
  const byId = devices.filter(({ device_id: id }) => id > after);
  byId.sort(({ device_id: one }, { device_id: other }) => (one < other ? -1 : 1));
  for (const device of byId) {
    yield { item: { kind: 'device', ...device }, place: { list: 'devices', id: device.device_id } };
  }
}
