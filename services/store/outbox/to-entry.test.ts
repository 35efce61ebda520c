import t from 'tap';
import type { DurableEvents, Found } from '../../../shared/durable-events/durable-event.ts';
import { DURABLE_EVENTS } from '../../../shared/durable-events/durable-events.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { type OwedRow, toEntry } from './to-entry.ts';

const conversation_id = newId<OwedRow['conversation_id']>();
const participants = { conversation_id, version: 7, user_ids: [newId<UserId>()] };
const found = { participants, message: undefined } as unknown as Found;
const row: OwedRow = {
  ...{ event_id: newId(), conversation_id, kind: 'message', seq: 4, payload: null },
  created_at: new Date(5).toISOString(),
};

/** The table has one kind, whose loader gives this. */
function tableOf(given: object): DurableEvents {
  const { message } = DURABLE_EVENTS;
  return { message: { ...message, load: () => given as never } };
}

t.test('what a kind gives cannot change whose event it is, nor of which kind', async (t) => {
  const { event_id, kind } = row;
  const given = { user_ids: [], at: row.created_at, sample: 1 };
  const address = { event_id, conversation_id, kind };
  t.same(toEntry(row, found, tableOf(given)), { version: 7, ...given, ...address });
  const bold = { ...given, event_id: 'x', conversation_id: 'x', kind: 'x' };
  t.match(toEntry(row, found, tableOf(bold)), address);
  t.match(toEntry(row, found, tableOf({ ...given, version: 2 })), { version: 2 });
});

t.test('a row whose kind tells of a message must name one', async (t) => {
  t.equal(toEntry(row, found, DURABLE_EVENTS), undefined, 'the message is gone');
  t.throws(() => toEntry({ ...row, seq: null }, found, DURABLE_EVENTS), /names no message/);
});
