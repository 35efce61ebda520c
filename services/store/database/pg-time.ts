const UTC_TEXT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/;

/** Postgres's `2026-11-21 10:00:00.5+00` as `2026-11-21T10:00:00.500Z`. The session is in UTC. */
export function readTime(text: string): string {
  const parts = UTC_TEXT.exec(text);
  if (parts === null) throw new Error(`not a UTC time: ${text}`);
  const [, date, time, fraction = ''] = parts;
  return `${date}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
}
