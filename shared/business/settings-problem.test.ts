import t from 'tap';
import { BusinessSettingsInput, type Interval } from '../protocol/business-requests.ts';
import { compileValidator } from '../protocol/validator.ts';
import { settingsProblem } from './settings-problem.ts';

const validator = compileValidator(BusinessSettingsInput);
const always = { time_zone: 'Asia/Kathmandu' };

/** Returns what is wrong with the settings, by their schema or otherwise. */
function problemOf(changes: object): string | undefined {
  const settings: unknown = { ...always, ...changes };
  if (!validator.check(settings)) return validator.problems(settings).join('; ');
  return settingsProblem(settings);
}

const interval = (text: string): Interval => text.split('-', 2) as unknown as Interval;
const day = (...texts: string[]): Interval[] => texts.map(interval);
const on = (date: string, ...texts: string[]) => ({ date, intervals: day(...texts) });

t.test('the zone is one of IANA, as this machine knows them', async (t) => {
  for (const time_zone of ['Europe/Berlin', 'Australia/Lord_Howe', 'Etc/UTC', 'UTC', 'Etc/GMT+5']) {
    t.equal(problemOf({ time_zone }), undefined, time_zone);
  }
  for (const time_zone of ['', 'Europe/Atlantis', '+05:45', '-01:00', 'Berlin', ' UTC', '../x']) {
    t.match(problemOf({ time_zone }), /time_zone/, time_zone);
  }
  t.match(problemOf({ time_zone: undefined }), /time_zone/);
});

t.test('intervals of a week may touch and end past midnight, but not overlap', async (t) => {
  for (const hours of [
    {},
    { mon: [] },
    { mon: day('09:00-12:30', '13:30-18:00') },
    { mon: day('13:30-18:00', '09:00-12:30', '12:30-13:30') },
    { mon: day('00:00-24:00'), tue: day('00:00-24:00'), sun: day('00:00-24:00') },
    { sun: day('22:00-06:00'), mon: day('06:00-10:00') },
    { fri: day('22:00-00:00'), sat: day('00:00-02:00') },
    { wed: day('09:00-08:59') },
  ]) {
    t.equal(problemOf({ hours }), undefined, JSON.stringify(hours));
  }
  for (const [hours, problem] of [
    [{ mon: day('09:00-12:30', '12:29-18:00') }, /^hours\.mon: an interval overlaps/],
    [{ mon: day('09:00-18:00', '10:00-11:00') }, /^hours\.mon/],
    [{ mon: day('09:00-18:00', '09:00-18:00') }, /^hours\.mon/],
    [{ mon: day('22:00-06:00'), tue: day('05:59-10:00') }, /^hours\.tue/],
    [{ mon: day('22:00-06:00', '05:00-07:00'), tue: day('04:00-05:00') }, /^hours\.tue/],
    [{ sun: day('22:00-06:00'), mon: day('05:00-10:00') }, /^hours\.mon/],
    [{ tue: day('09:00-09:00') }, /^hours\.tue: 09:00 to 09:00 is empty/],
    [{ tue: day('24:00-09:00') }, /^hours\.tue: no interval begins at 24:00/],
    [{ tue: day('24:00-24:00') }, /^hours\.tue/],
    [{ tue: day('9:00-10:00') }, /pattern/],
    [{ tue: day('23:60-24:00') }, /pattern/],
    [{ tue: day('20:00-24:01') }, /pattern/],
    [{ tue: [['09:00']] }, /hours\.tue/],
    [{ tue: [['09:00', '10:00', '11:00']] }, /hours\.tue/],
    [{ tue: day(...Array(25).fill('09:00-10:00')) }, /items/],
    [{ tuesday: [] }, /unknown field tuesday/],
  ] as [object, RegExp][]) {
    t.match(problemOf({ hours }), problem, JSON.stringify(hours));
  }
});

t.test('an exception has a date of the calendar, once, and intervals of its own', async (t) => {
  for (const exceptions of [
    [],
    [on('2028-02-29', '09:00-12:00'), on('2000-02-29')],
    [on('1970-01-01', '00:00-24:00'), on('9999-12-31', '22:00-04:00')],
    [on('2026-12-31', '20:00-06:00'), on('2027-01-01', '06:00-24:00')],
    [on('2027-01-01', '06:00-24:00'), on('2026-12-31', '20:00-06:00')],
    Array.from({ length: 400 }, (_, n) =>
      on(new Date(86_400_000 * n).toISOString().slice(0, 10), '09:00-10:00'),
    ),
  ]) {
    t.equal(problemOf({ exceptions }), undefined, JSON.stringify(exceptions.slice(0, 2)));
  }
  t.equal(
    problemOf({ hours: { thu: day('05:00-09:00') }, exceptions: [on('2026-12-30')] }),
    undefined,
  );
  for (const [exceptions, problem] of [
    [[on('2026-02-29')], /there is no 2026-02-29/],
    [[on('2100-02-29')], /there is no 2100-02-29/],
    [[on('2026-04-31')], /there is no 2026-04-31/],
    [[on('2026-13-01')], /there is no 2026-13-01/],
    [[on('2026-00-10')], /there is no/],
    [[on('1969-12-31')], /pattern/],
    [[on('10000-01-01')], /pattern/],
    [[on('2026-1-1')], /pattern/],
    [[on('2026-01-01'), on('2026-01-01')], /2026-01-01 comes twice/],
    [[on('2026-01-01', '09:00-09:00')], /2026-01-01: 09:00 to 09:00 is empty/],
    [[on('2026-01-01', '09:00-12:00', '11:00-13:00')], /2026-01-01: an interval overlaps/],
    [
      [on('2027-01-01', '05:00-24:00'), on('2026-12-31', '20:00-06:00')],
      /2027-01-01: an interval overlaps/,
    ],
    [[{ date: '2026-01-01' }], /exceptions/],
    [Array.from({ length: 401 }, () => on('2026-01-01')), /400/],
  ] as [object[], RegExp][]) {
    t.match(problemOf({ exceptions }), problem, JSON.stringify(exceptions.slice(0, 2)));
  }
});

t.test('numbers, choices and texts have their limits', async (t) => {
  for (const changes of [
    { capacity: 1, offline_grace_s: 30, reassign_after_s: 30, assignment: 'round_robin' },
    { capacity: 100, offline_grace_s: 600, reassign_after_s: 86_400, assignment: 'least_busy' },
    { away_message: '👍'.repeat(1_000) },
    { away_message: '  \n' },
  ]) {
    t.equal(problemOf(changes), undefined);
  }
  for (const [name, value] of [
    ['capacity', 0],
    ['capacity', 101],
    ['capacity', 1.5],
    ['capacity', '5'],
    ['capacity', null],
    ['offline_grace_s', 29],
    ['offline_grace_s', 601],
    ['reassign_after_s', 29],
    ['reassign_after_s', 86_401],
    ['assignment', 'random'],
    ['away_message', '👍'.repeat(1_001)],
    ['away_message', null],
    ['hours', null],
    ['hours', []],
    ['color', 'red'],
  ] as const) {
    t.match(problemOf({ [name]: value }), new RegExp(name), `${name} ${String(value).slice(0, 9)}`);
  }
});
