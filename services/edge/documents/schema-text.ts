import type { TSchema } from 'typebox';
import { BusinessSettingsInput } from '../../../shared/protocol/business-requests.ts';
import * as businesses from '../../../shared/protocol/business-shapes.ts';
import {
  ConversationInput,
  ConversationUpdate,
} from '../../../shared/protocol/conversation-requests.ts';
import { PushRegistration } from '../../../shared/protocol/devices/device-requests.ts';
import { DeviceShape } from '../../../shared/protocol/devices/device-shapes.ts';
import * as exports from '../../../shared/protocol/export-shapes.ts';
import * as inbox from '../../../shared/protocol/inbox-shapes.ts';
import * as jobs from '../../../shared/protocol/jobs/job-shapes.ts';
import * as shapes from '../../../shared/protocol/shapes.ts';
import { ROUTES } from '../rest/routes.ts';

export type Json = Record<string, unknown>;

/**
 * These schemas have a name in the documents. Wherever another schema holds one of them, the
 * documents show a reference instead.
 */
const NAMED: Readonly<Record<string, TSchema>> = {
  Agent: businesses.AgentShape,
  Agents: businesses.AgentsShape,
  BusinessSettings: businesses.BusinessSettings,
  BusinessSettingsInput,
  Conversation: shapes.ConversationShape,
  ConversationInput,
  ConversationUpdate,
  Conversations: shapes.ConversationsShape,
  Device: DeviceShape,
  Error: shapes.ErrorShape,
  Export: exports.ExportShape,
  ExportItem: exports.ExportItem,
  History: shapes.HistoryShape,
  Inbox: inbox.InboxShape,
  InboxCounts: inbox.InboxCounts,
  Job: jobs.JobShape,
  JobBegun: jobs.JobBegunShape,
  LastMessage: shapes.LastMessageShape,
  Message: shapes.MessageShape,
  MessageSent: shapes.MessageSentShape,
  Participant: shapes.ParticipantShape,
  PushRegistration,
  Reaction: shapes.ReactionShape,
  Reactions: shapes.ReactionsShape,
  ReadPosition: shapes.ReadShape,
  Receipt: shapes.ReceiptShape,
  ReplyPreview: shapes.ReplyPreviewShape,
  ...Object.fromEntries(
    ROUTES.flatMap(({ door, body }): [string, TSchema][] =>
      door.bodyName === undefined || body === undefined ? [] : [[door.bodyName, body]],
    ),
  ),
};

const names = new Map(Object.entries(NAMED).map(([name, schema]) => [keyOf(schema), name]));

/** Turns a schema that validates requests into JSON Schema 2020-12, without its `$id`. */
export function documentSchema(schema: TSchema): Json {
  return shown(JSON.parse(JSON.stringify(schema)), true) as Json;
}

/** Lists the schemas that have names, for `components.schemas`. */
export function namedSchemas(): Json {
  const entries = Object.entries(NAMED).map(([name, schema]) => [
    name,
    shown(JSON.parse(JSON.stringify(schema)), false),
  ]);
  return Object.fromEntries(entries);
}

/** A schema keeps its name where a field that it stands in describes it once more. */
function keyOf(schema: object): string {
  const { description: _, ...rest } = schema as Json;
  return JSON.stringify(rest);
}

function shown(value: unknown, mayRefer: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => shown(item, true));
  if (typeof value !== 'object' || value === null) return value;
  const name = mayRefer ? names.get(keyOf(value)) : undefined;
  const { $id: _, ...rest } = value as Json;
  const { description } = rest;
  if (name !== undefined) {
    return {
      $ref: `#/components/schemas/${name}`,
      ...(description !== undefined && { description }),
    };
  }
  return enumOf(rest) ?? mapped(rest);
}

function mapped(value: Json): Json {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shown(item, true)]));
}

/** Turns a choice between fixed texts into an `enum`, which is shorter. */
function enumOf({ anyOf, ...rest }: Json): Json | undefined {
  if (!Array.isArray(anyOf)) return undefined;
  const values = anyOf.flatMap(literalsOf);
  return values.includes(undefined) ? undefined : { ...rest, type: 'string', enum: values };
}

function literalsOf(choice: Json): unknown[] {
  if (Array.isArray(choice.anyOf)) return choice.anyOf.flatMap(literalsOf);
  return [typeof choice.const === 'string' ? choice.const : undefined];
}
