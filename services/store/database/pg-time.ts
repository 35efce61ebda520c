const UTC_TEXT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/;

/**
 * The text `2026-11-21 10:00:00.5+00` of Postgres becomes `2026-11-21T10:00:00.500Z`. Postgres
 * writes UTC because the pool sets the session's time zone.
 */
export function readTime(text: string): string {
  const parts = UTC_TEXT.exec(text);
  if (parts === null) throw new Error(`not a UTC time: ${text}`);
  const [, date, time, fraction = ''] = parts;
  return `${date}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
}
