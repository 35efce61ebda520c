import type { Interval } from '../../protocol/business-requests.ts';
import type { OpeningHours } from '../opening-spans.ts';

type Week = NonNullable<OpeningHours['hours']>;
type Rows = { name: string; settings: OpeningHours; rows: readonly string[] };

const OFFICE: Interval[] = [['09:00', '17:00']];
const SHOP: Interval[] = [
  ['09:00', '12:30'],
  ['13:30', '18:00'],
];
const ALL_DAY: Interval[] = [['00:00', '24:00']];
const berlin = (hours: Week | undefined, exceptions: OpeningHours['exceptions'] = []) => ({
  time_zone: 'Europe/Berlin',
  ...(hours !== undefined && { hours }),
  exceptions,
});
const newYork = (hours: Week) => ({ time_zone: 'America/New_York', hours });
const kathmandu = (hours: Week) => ({ time_zone: 'Asia/Kathmandu', hours });
const lordHowe = (hours: Week) => ({ time_zone: 'Australia/Lord_Howe', hours });
const newfoundland = (hours: Week) => ({ time_zone: 'America/St_Johns', hours });

const shopWeek: Week = {
  mon: SHOP,
  tue: SHOP,
  wed: SHOP,
  thu: SHOP,
  fri: SHOP,
  sat: [['10:00', '14:00']],
};
const officeWeek: Week = { mon: OFFICE, tue: OFFICE, wed: OFFICE, thu: OFFICE, fri: OFFICE };
const wholeWeek: Week = {
  mon: ALL_DAY,
  tue: ALL_DAY,
  wed: ALL_DAY,
  thu: ALL_DAY,
  fri: ALL_DAY,
  sat: ALL_DAY,
  sun: ALL_DAY,
};

/**
 * Instants, and what a shopkeeper expects at them. The rows were made by hand from the published
 * switches of the zones: Berlin on 29 March (at 01:00 UTC) and 25 October 2026 (01:00 UTC), New
 * York on 8 March (07:00 UTC) and 1 November 2026 (06:00 UTC), Lord Howe on 4 April (15:00 UTC, 30
 * minutes back) and 3 October 2026 (15:30 UTC, 30 minutes forward), Kathmandu at the end of 1985
 * (18:30 UTC, from +05:30 to +05:45).
 */
export const OPENING_TABLE: readonly Rows[] = [
  {
    name: 'a shop in Berlin opens by its wall clock before and after both switches',
    settings: berlin(shopWeek),
    rows: [
      '2026-03-27T07:59:59.999Z closed until 2026-03-27T08:00Z',
      '2026-03-27T08:00Z open until 2026-03-27T11:30Z',
      '2026-03-27T11:30Z closed until 2026-03-27T12:30Z',
      '2026-03-27T12:30Z open until 2026-03-27T17:00Z',
      '2026-03-27T17:00Z closed until 2026-03-28T09:00Z',
      '2026-03-28T13:00Z closed until 2026-03-30T07:00Z',
      '2026-03-30T07:00Z open until 2026-03-30T10:30Z',
      '2026-10-24T11:59Z open until 2026-10-24T12:00Z',
      '2026-10-24T12:00Z closed until 2026-10-26T08:00Z',
      '2026-10-26T08:00Z open until 2026-10-26T11:30Z',
    ],
  },
  {
    name: 'a closing time that the clock skips is the switch, and one shown twice is the last',
    settings: berlin({ sat: [['22:00', '02:30']], sun: [['04:00', '06:00']] }),
    rows: [
      '2026-03-28T21:00Z open until 2026-03-29T01:00Z',
      '2026-03-29T00:59:59.999Z open until 2026-03-29T01:00Z',
      '2026-03-29T01:00Z closed until 2026-03-29T02:00Z',
      '2026-10-24T20:00Z open until 2026-10-25T01:30Z',
      '2026-10-25T00:30Z open until 2026-10-25T01:30Z',
      '2026-10-25T01:30Z closed until 2026-10-25T03:00Z',
    ],
  },
  {
    name: 'an opening time that the clock skips is the switch, and one shown twice is the first',
    settings: berlin({ sun: [['02:30', '05:00']] }),
    rows: [
      '2026-03-29T00:59Z closed until 2026-03-29T01:00Z',
      '2026-03-29T01:00Z open until 2026-03-29T03:00Z',
      '2026-10-25T00:29Z closed until 2026-10-25T00:30Z',
      '2026-10-25T00:30Z open until 2026-10-25T04:00Z',
      '2026-10-25T01:15Z open until 2026-10-25T04:00Z',
    ],
  },
  {
    name: 'an interval that the clock skips is left out, and one shown twice is one stretch',
    settings: berlin({ sun: [['02:10', '02:50']] }),
    rows: [
      '2026-03-22T01:10Z open until 2026-03-22T01:50Z',
      '2026-03-29T00:59Z closed until 2026-04-05T00:10Z',
      '2026-03-29T01:00Z closed until 2026-04-05T00:10Z',
      '2026-10-25T00:10Z open until 2026-10-25T01:50Z',
      '2026-10-25T00:55Z open until 2026-10-25T01:50Z',
    ],
  },
  {
    name: 'a pause that the clock skips is none, and one shown twice lasts twice as long',
    settings: berlin({
      sun: [
        ['00:00', '02:00'],
        ['03:00', '05:00'],
      ],
    }),
    rows: [
      '2026-03-28T23:00Z open until 2026-03-29T03:00Z',
      '2026-03-29T01:00Z open until 2026-03-29T03:00Z',
      '2026-10-24T23:59Z open until 2026-10-25T00:00Z',
      '2026-10-25T00:00Z closed until 2026-10-25T02:00Z',
    ],
  },
  {
    name: 'a bar in New York that closes at the hour of the switch is open through both hours',
    settings: newYork({ sat: [['20:00', '02:00']] }),
    rows: [
      '2026-03-08T06:59Z open until 2026-03-08T07:00Z',
      '2026-03-08T07:00Z closed until 2026-03-15T00:00Z',
      '2026-11-01T00:00Z open until 2026-11-01T07:00Z',
      '2026-11-01T07:00Z closed until 2026-11-08T01:00Z',
    ],
  },
  {
    name: 'a bar in New York that closes where the doubled hour begins does not open again',
    settings: newYork({ sat: [['20:00', '01:00']] }),
    rows: [
      '2026-11-01T04:59Z open until 2026-11-01T05:00Z',
      '2026-11-01T05:00Z closed until 2026-11-08T01:00Z',
      '2026-11-01T06:00Z closed until 2026-11-08T01:00Z',
    ],
  },
  {
    name: 'an office in New York opens by its wall clock over both switches',
    settings: newYork(officeWeek),
    rows: [
      '2026-03-06T21:59Z open until 2026-03-06T22:00Z',
      '2026-03-06T22:00Z closed until 2026-03-09T13:00Z',
      '2026-10-30T21:00Z closed until 2026-11-02T14:00Z',
    ],
  },
  {
    name: 'an office in Kathmandu is 5 hours and 45 minutes ahead of UTC',
    settings: kathmandu({ ...officeWeek, fri: [], sun: OFFICE }),
    rows: [
      '2026-07-02T03:14Z closed until 2026-07-02T03:15Z',
      '2026-07-02T03:15Z open until 2026-07-02T11:15Z',
      '2026-07-02T11:15Z closed until 2026-07-05T03:15Z',
    ],
  },
  {
    name: 'Kathmandu skipped a quarter of an hour at the end of 1985',
    settings: kathmandu({ tue: [['22:00', '00:10']], wed: [['00:12', '01:00']] }),
    rows: [
      '1985-12-31T16:30Z open until 1985-12-31T19:15Z',
      '1985-12-31T18:30Z open until 1985-12-31T19:15Z',
      '1985-12-31T19:15Z closed until 1986-01-07T16:15Z',
      '1985-12-24T18:40Z closed until 1985-12-24T18:42Z',
    ],
  },
  {
    name: 'on Lord Howe half an hour is skipped and shown twice',
    settings: lordHowe({ sun: [['01:45', '02:15']] }),
    rows: [
      '2026-04-04T14:44Z closed until 2026-04-04T14:45Z',
      '2026-04-04T14:45Z open until 2026-04-04T15:45Z',
      '2026-04-04T15:05Z open until 2026-04-04T15:45Z',
      '2026-10-03T15:15Z open until 2026-10-03T15:30Z',
      '2026-10-03T15:30Z closed until 2026-10-10T14:45Z',
    ],
  },
  {
    name: 'a night on Lord Howe ends when clocks show its end for the last time',
    settings: lordHowe({ sat: [['22:00', '01:50']] }),
    rows: [
      '2026-04-04T11:00Z open until 2026-04-04T15:20Z',
      '2026-04-04T15:20Z closed until 2026-04-11T11:30Z',
      '2026-10-03T15:19Z open until 2026-10-03T15:20Z',
    ],
  },
  {
    name: 'intervals past midnight and up to it join those of the next day',
    settings: berlin({
      mon: [['18:00', '24:00']],
      tue: [['00:00', '06:00']],
      wed: [['20:00', '19:00']],
      fri: [['22:00', '00:00']],
      sun: [['23:00', '18:00']],
    }),
    rows: [
      '2026-06-07T20:59Z closed until 2026-06-07T21:00Z',
      '2026-06-07T21:00Z open until 2026-06-09T04:00Z',
      '2026-06-09T03:59Z open until 2026-06-09T04:00Z',
      '2026-06-10T18:00Z open until 2026-06-11T17:00Z',
      '2026-06-12T20:00Z open until 2026-06-12T22:00Z',
      '2026-06-12T22:00Z closed until 2026-06-14T21:00Z',
    ],
  },
  {
    name: 'an exception replaces what begins on its date, and no night that began before it',
    settings: berlin(
      {
        ...officeWeek,
        thu: [
          ['09:00', '17:00'],
          ['22:00', '04:00'],
        ],
      },
      [
        { date: '2026-12-18', intervals: [] },
        { date: '2026-12-20', intervals: [['13:00', '18:00']] },
        { date: '2026-12-24', intervals: [['09:00', '12:00']] },
        { date: '2026-12-25', intervals: [] },
        { date: '2026-12-31', intervals: [['22:00', '05:00']] },
        { date: '2027-01-01', intervals: [] },
        { date: '2027-01-04', intervals: [['21:00', '09:30']] },
        { date: '2028-02-29', intervals: [] },
      ],
    ),
    rows: [
      '2026-12-17T21:00Z open until 2026-12-18T03:00Z',
      '2026-12-18T03:00Z closed until 2026-12-20T12:00Z',
      '2026-12-20T12:00Z open until 2026-12-20T17:00Z',
      '2026-12-24T11:00Z closed until 2026-12-28T08:00Z',
      '2026-12-31T08:00Z closed until 2026-12-31T21:00Z',
      '2026-12-31T23:00Z open until 2027-01-01T04:00Z',
      '2027-01-01T04:00Z closed until 2027-01-04T20:00Z',
      '2027-01-04T20:00Z open until 2027-01-05T16:00Z',
      '2028-02-28T16:00Z closed until 2028-03-01T08:00Z',
    ],
  },
  {
    name: 'a business without hours is closed on the dates that say so, and for ever open then',
    settings: berlin(undefined, [{ date: '2026-05-01', intervals: [] }]),
    rows: [
      '2026-04-30T00:00Z open until 2026-04-30T22:00Z',
      '2026-04-30T22:00Z closed until 2026-05-01T22:00Z',
      '2026-05-01T22:00Z open until never',
    ],
  },
  {
    name: 'a business that opens on 29 February alone is told within two years before',
    settings: berlin({}, [{ date: '2028-02-29', intervals: [['00:00', '24:00']] }]),
    rows: [
      '2026-02-27T22:59:59.999Z closed until never',
      '2026-02-27T23:00Z closed until 2028-02-28T23:00Z',
      '2028-02-28T23:00Z open until 2028-02-29T23:00Z',
      '2028-02-29T23:00Z closed until never',
    ],
  },
  {
    name: 'a business with a week of whole days never closes',
    settings: newYork(wholeWeek),
    rows: ['2026-03-08T07:00Z open until never', '1970-01-01T00:00Z open until never'],
  },
  {
    name: 'a business with an empty week never opens',
    settings: newYork({ mon: [] }),
    rows: ['2026-11-01T06:00Z closed until never', '9999-12-31T23:59:59.999Z closed until never'],
  },
  {
    name: 'the year 1970 begins in 1969 in New York',
    settings: newYork({ ...officeWeek, wed: [['09:00', '20:00']] }),
    rows: [
      '1970-01-01T00:00Z open until 1970-01-01T01:00Z',
      '1970-01-01T01:00Z closed until 1970-01-01T14:00Z',
    ],
  },
  {
    name: 'a zone that was 44 minutes and 30 seconds behind UTC in 1970',
    settings: { time_zone: 'Africa/Monrovia', hours: { thu: [['00:00', '01:00']] } },
    rows: [
      '1970-01-01T00:00Z closed until 1970-01-01T00:44:30Z',
      '1970-01-01T00:44:30Z open until 1970-01-01T01:44:30Z',
    ],
  },
  {
    name: 'clocks switch in the year 9999 as today, and nothing is told of the year after it',
    settings: berlin({ ...shopWeek, fri: [...SHOP, ['22:00', '03:00']] }),
    rows: [
      '9999-03-27T13:00Z closed until 9999-03-29T07:00Z',
      '9999-12-31T16:59:59.999Z open until 9999-12-31T17:00Z',
      '9999-12-31T17:00Z closed until 9999-12-31T21:00Z',
      '9999-12-31T21:00Z open until never',
    ],
  },
  {
    name: 'Samoa skipped a whole Friday',
    settings: { time_zone: 'Pacific/Apia', hours: { fri: OFFICE, sat: [['09:00', '12:00']] } },
    rows: [
      '2011-12-30T09:59Z closed until 2011-12-30T19:00Z',
      '2011-12-30T10:00Z closed until 2011-12-30T19:00Z',
      '2011-12-30T22:00Z closed until 2012-01-05T19:00Z',
    ],
  },
  {
    name: 'a night of the Friday that Samoa skipped begins at the switch',
    settings: { time_zone: 'Pacific/Apia', hours: { fri: [['22:00', '02:00']] } },
    rows: [
      '2011-12-30T09:59Z closed until 2011-12-30T10:00Z',
      '2011-12-30T10:00Z open until 2011-12-30T12:00Z',
    ],
  },
  {
    name: 'clocks in Newfoundland were put back over midnight, and the new day stays begun',
    settings: newfoundland({ sun: [['00:00', '02:00']] }),
    rows: [
      '2006-10-29T02:29Z closed until 2006-10-29T02:30Z',
      '2006-10-29T02:30:30Z open until 2006-10-29T05:30Z',
      '2006-10-29T03:05Z open until 2006-10-29T05:30Z',
    ],
  },
  {
    name: 'an interval lasts until clocks show its end again, also over a midnight shown twice',
    settings: newfoundland({ fri: [['23:45', '23:30']] }),
    rows: [
      '2006-10-28T02:14Z closed until 2006-10-28T02:15Z',
      '2006-10-29T02:30:30Z open until 2006-10-29T03:00Z',
      '2006-10-29T03:00Z closed until 2006-11-04T03:15Z',
    ],
  },
];
