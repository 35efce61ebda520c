import { sql, type Transaction } from 'kysely';
import type { DurableEventKind } from '../../../shared/contracts/events.ts';
import type { ConversationId, EventId } from '../../../shared/ids.ts';
import type { Database, OutboxPayloads } from '../database/schema.ts';

type NewRow<Kind extends DurableEventKind> = {
  event_id: EventId;
  conversation_id: ConversationId;
  seq: number | null;
  payload: OutboxPayloads[Kind];
};
type NewRows<Kind extends DurableEventKind> = {
  kind: Kind;
  /** This is the database's time of the change. */
  at: string;
  rows: readonly NewRow<Kind>[];
};

type AnyRows = { [Kind in DurableEventKind]: NewRows<Kind> }[DurableEventKind];

/**
 * The events are owed once the transaction of their change is committed. The SQL function that is
 * called here, once for each kind, is the only writer of the outbox; see migration 0007.
 */
export async function writeOutbox(
  tx: Transaction<Database>,
  ...lists: readonly AnyRows[]
): Promise<void> {
  const calls = lists.filter(({ rows }) => rows.length > 0).map(toCall);
  if (calls.length > 0) await sql`select ${sql.join(calls)}`.execute(tx);
}

function toCall({ kind, at, rows }: AnyRows) {
  type Row = AnyRows['rows'][number];
  const column = <Name extends keyof Row>(name: Name) => rows.map((row) => row[name]);
  const payloads = column('payload').map((payload) => payload && JSON.stringify(payload));
  return sql`write_outbox(${kind}, ${column('event_id')}::uuid[],
    ${column('conversation_id')}::uuid[], ${column('seq')}::bigint[], ${payloads}::jsonb[],
    ${at}::timestamptz)`;
}
