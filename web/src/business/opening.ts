/** Tests give these. The browser knows its own. */
type Locality = { locale?: string; timeZone?: string };

const DAY_MS = 86_400_000;
const WEEK_DAYS = 7;

/** Says when a business opens, as somebody says it who reads it now: "opens tomorrow 09:00". */
export function opensText(opensAt: string, now: number, locality: Locality = {}): string {
  const { locale, timeZone } = locality;
  const at = new Date(opensAt);
  const format = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(locale, { ...options, ...(timeZone && { timeZone }) }).format(at);
  const clock = format({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const days = dayNumber(at, timeZone) - dayNumber(new Date(now), timeZone);
  if (days <= 0) return `opens ${clock}`;
  if (days === 1) return `opens tomorrow ${clock}`;
  if (days < WEEK_DAYS) return `opens ${format({ weekday: 'long' })} ${clock}`;
  return `opens ${format({ day: 'numeric', month: 'short' })} ${clock}`;
}

/** Numbers the days of a zone, so that two instants of one day have one number. */
function dayNumber(at: Date, timeZone: string | undefined): number {
  const fields = new Intl.DateTimeFormat('en-US', {
    ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
    ...(timeZone && { timeZone }),
  }).formatToParts(at);
  const field = (type: string): number =>
    Number(fields.find((one) => one.type === type)?.value ?? 0);
  return Date.UTC(field('year'), field('month') - 1, field('day')) / DAY_MS;
}
