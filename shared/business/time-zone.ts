/**
 * Tells whether IANA has a time zone of this name. `Intl` also knows offsets such as `+05:45`,
 * which are no zones: they never change.
 */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
