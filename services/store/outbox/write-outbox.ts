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

/**
 * The events are owed once the transaction of their change is committed. The SQL function that is
 * called here is the only writer of the outbox; see migration 0007.
 */
export async function writeOutbox<Kind extends DurableEventKind>(
  tx: Transaction<Database>,
  { kind, at, rows }: NewRows<Kind>,
): Promise<void> {
  if (rows.length === 0) return;
  const column = <Name extends keyof NewRow<Kind>>(name: Name) => rows.map((row) => row[name]);
  const payloads = column('payload').map((payload) => payload && JSON.stringify(payload));
  await sql`select write_outbox(${kind}, ${column('event_id')}::uuid[],
    ${column('conversation_id')}::uuid[], ${column('seq')}::bigint[], ${payloads}::jsonb[],
    ${at}::timestamptz)`.execute(tx);
}
