import t from 'tap';
import type { Participants } from '../contracts/conversations.ts';
import { newId, type UserId } from '../ids.ts';
import { audienceOf, canSee, outsideOf } from './audience.ts';

/** A participant as store keeps one: who is sent what from when on, and who sees what. */
type Row = { user_id: UserId; joined_seq: number; first_visible_seq: number };

const TRIES = 2_000;
const SEQ_MAX = 12;
const below = (limit: number): number => Math.floor(Math.random() * limit);

/**
 * A participant has been there from the start, or has joined later. Who joined later sees the
 * messages from then on, or, with a shared history, from an earlier one on.
 */
function randomRow(): Row {
  const user_id = newId<UserId>();
  if (below(2) === 0) return { user_id, joined_seq: 1, first_visible_seq: 1 };
  const joined_seq = 1 + below(SEQ_MAX);
  const first_visible_seq = below(2) === 0 ? joined_seq : 1 + below(joined_seq);
  return { user_id, joined_seq, first_visible_seq };
}

/** The compact form names only those who joined later, or do not see everything. */
function compact(rows: readonly Row[]): Participants {
  const late = rows.filter((row) => row.first_visible_seq > 1);
  const joiners = rows.filter((row) => row.joined_seq > 1);
  return {
    conversation_id: newId(),
    type: 'group',
    version: 1,
    user_ids: rows.map(({ user_id }) => user_id),
    late: late.map((row) => [row.user_id, row.first_visible_seq]),
    joiners: joiners.map((row) => [row.user_id, row.joined_seq]),
  };
}

const idsOf = (rows: readonly Row[]): UserId[] => rows.map(({ user_id }) => user_id);

t.test('each audience is the one that the rule tells of random participants', async (t) => {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const rows = Array.from({ length: below(9) }, randomRow);
    const participants = compact(rows);
    const seq = 1 + below(SEQ_MAX);
    const isReceiver = (row: Row): boolean => row.joined_seq <= seq;
    const isSeer = (row: Row): boolean => row.first_visible_seq <= seq;
    const rules = [
      { audience: { of: 'receivers', seq } as const, isIn: isReceiver },
      { audience: { of: 'seers', seq } as const, isIn: isSeer },
      { audience: { of: 'participants' } as const, isIn: () => true },
    ];
    for (const { audience, isIn } of rules) {
      const outside = rows.filter((row) => !isIn(row));
      const isRight =
        String(audienceOf(participants, audience)) === String(idsOf(rows.filter(isIn))) &&
        String(outsideOf(participants, audience)) === String(idsOf(outside));
      if (!isRight) t.fail(`wrong ${audience.of}`, { rows, seq });
    }
    for (const row of rows) if (canSee(row, seq) !== isSeer(row)) t.fail('sees', { row, seq });
  }
  t.pass('all audiences are right');
});

t.test('an event for named users goes to those of them who take part', async (t) => {
  const rows = Array.from({ length: 5 }, randomRow);
  const [first, , third] = idsOf(rows) as [UserId, UserId, UserId];
  const among = [third, newId<UserId>(), first];
  t.same(audienceOf(compact(rows), { of: 'participants', among }), [first, third]);
  t.same(audienceOf(compact(rows), { of: 'participants', among: [] }), []);
});

t.test('a conversation where nobody is late gives its own list, and copies nothing', async (t) => {
  const rows = Array.from({ length: 3 }, () => ({ ...randomRow(), joined_seq: 1 }));
  const participants = compact(rows);
  t.equal(audienceOf(participants, { of: 'receivers', seq: 1 }), participants.user_ids);
});

t.test('nobody sees a message that is not named', async (t) => {
  t.notOk(canSee({ first_visible_seq: 1 }, null));
});
