const MINUTE_MS = 60_000;
const HOUR_MIN = 60;
const DAY_H = 24;

/** Says how long somebody has waited since a time, in the largest units that tell something. */
export function waitedText(since: string, now: number): string {
  const minutes = Math.floor(Math.max(0, now - Date.parse(since)) / MINUTE_MS);
  if (minutes < 1) return 'a moment';
  if (minutes < HOUR_MIN) return `${minutes} min`;
  const hours = Math.floor(minutes / HOUR_MIN);
  if (hours >= DAY_H) return counted(Math.floor(hours / DAY_H), 'day');
  const rest = minutes % HOUR_MIN;
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
