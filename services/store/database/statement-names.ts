import { createHash } from 'node:crypto';

/** At most this many statement texts get a name; every further one is planned at each call. */
const STATEMENT_NAMES_MAX = 500;

/** One text always gets one name; only statements that Postgres plans get a name. */
export function createStatementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined) return known;
    if (
      names.size >= STATEMENT_NAMES_MAX ||
      !/^\s*(select|insert|update|delete|with)\b/i.test(text)
    ) {
      return undefined;
    }
    const name = `s${createHash('sha1').update(text).digest('hex').slice(0, 16)}`;
    names.set(text, name);
    return name;
  };
}
