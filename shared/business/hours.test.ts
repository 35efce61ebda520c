import { randomInt } from 'node:crypto';
import t from 'tap';
import { isSoak } from '../../dev/testing/test-servers.ts';
import { HORIZON_DAYS, hoursAt } from './hours.ts';
import type { OpeningHours } from './opening-spans.ts';
import { openMinutes } from './stage/minute-by-minute.ts';
import { OPENING_TABLE } from './stage/opening-table.ts';
import { drawHours, makeDraw } from './stage/random-hours.ts';

/** A row says `<instant> open|closed until <instant>|never`. */
const ROW = /^(\S+) (open|closed) until (\S+)$/;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

for (const { name, settings, rows } of OPENING_TABLE) {
  t.test(name, async (t) => {
    for (const row of rows) {
      const [, at = '', state, until = ''] = ROW.exec(row) ?? [];
      const { isOpen, changesAtMs } = hoursAt(settings, Date.parse(at));
      const told = changesAtMs === undefined ? 'never' : shorten(changesAtMs);
      t.equal(`${isOpen ? 'open' : 'closed'} until ${told}`, `${state} until ${until}`, row);
    }
  });
}

t.test('the table has at least 60 instants', async (t) => {
  t.ok(OPENING_TABLE.flatMap(({ rows }) => rows).length >= 60);
});

t.test('a name that is no zone is refused, whatever the hours are', async (t) => {
  for (const time_zone of ['Mars/Olympus', '', 'Europe/Berlin ', '../etc']) {
    t.throws(() => hoursAt({ time_zone }, 0), RangeError, time_zone);
    t.throws(() => hoursAt({ time_zone, hours: {} }, 0), RangeError, time_zone);
  }
});

t.test('each change that is told is one, and the next one follows from it', async (t) => {
  const settings: OpeningHours = {
    time_zone: 'Europe/Berlin',
    hours: { tue: [['23:00', '02:30']], sun: [['01:30', '02:30']] },
  };
  let { isOpen, changesAtMs } = hoursAt(settings, Date.UTC(2026, 0, 1));
  let changes = 0;
  while (changesAtMs !== undefined && changesAtMs < Date.UTC(2028, 0, 1)) {
    t.equal(hoursAt(settings, changesAtMs - 1).isOpen, isOpen);
    const next = hoursAt(settings, changesAtMs);
    t.equal(next.isOpen, !isOpen, new Date(changesAtMs).toISOString());
    ({ isOpen, changesAtMs } = next);
    changes += 1;
  }
  t.equal(changes, 4 * 104, 'four changes in each of 104 weeks');
});

t.test('400 closed dates in a row lie within the horizon', async (t) => {
  const first = Date.UTC(2026, 5, 1);
  const exceptions = Array.from({ length: 400 }, (_, index) => ({
    date: new Date(first + index * DAY_MS).toISOString().slice(0, 10),
    intervals: [],
  }));
  const { isOpen, changesAtMs } = hoursAt({ time_zone: 'Etc/UTC', exceptions }, first);
  t.notOk(isOpen);
  t.equal(changesAtMs, first + 400 * DAY_MS);
  t.ok(HORIZON_DAYS > 400 + 7);
});

const ROUNDS = isSoak ? 3_000 : 60;
const INSTANTS = 40;
const DAYS = 12;
/** On so many days at either end, stepping minute by minute tells only a part of the intervals. */
const EDGE_DAYS = 3;

t.test('stepping minute by minute tells the same, in all zones, around switches', async (t) => {
  const seed = Number(process.argv[2] ?? randomInt(2 ** 31));
  const draw = makeDraw(seed);
  for (let round = 0; round < ROUNDS; round += 1) {
    const { settings, aroundMs } = drawHours(draw);
    const fromMs = aroundMs - (DAYS / 2) * DAY_MS;
    const open = openMinutes(settings, fromMs, DAYS);
    const firstMinute = EDGE_DAYS * 1_440;
    const lastMinute = (DAYS - EDGE_DAYS) * 1_440;
    for (let count = 0; count < INSTANTS; count += 1) {
      const minute = firstMinute + draw(lastMinute - firstMinute);
      const atMs = fromMs + minute * MINUTE_MS + draw(MINUTE_MS);
      const next = open.indexOf(!open[minute], minute);
      const { isOpen, changesAtMs = Number.POSITIVE_INFINITY } = hoursAt(settings, atMs);
      const told = changesAtMs < fromMs + lastMinute * MINUTE_MS ? changesAtMs : 'later';
      const expected =
        next !== -1 && next < lastMinute ? fromMs + next * MINUTE_MS : ('later' as const);
      if (isOpen === open[minute] && told === expected) continue;
      const at = new Date(atMs).toISOString();
      t.fail(`differs at ${at}`, { seed, round, settings, isOpen, told, expected });
      return;
    }
  }
  t.pass(`${ROUNDS} random settings`);
});

/** Leaves out the seconds and milliseconds that are zero. */
function shorten(atMs: number): string {
  return new Date(atMs).toISOString().replace(/(:00)?\.000Z$/, 'Z');
}
