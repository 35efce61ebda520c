import { parseArgs } from 'node:util';

export const HELP = `Keys of conversations, and the texts that are under them.

  npm run -s keys -- status              how many keys and texts are under which content key
  npm run -s keys -- rotate              wraps the keys of conversations with the first content key,
                                         and seals the addresses of pushes with it
  npm run -s keys -- reencrypt [--rows-per-s <n>]
                                         moves texts of before from content keys to their
                                         conversation's key, at most so many a second (10000)

Reads DATABASE_URL and CONTENT_KEYS as store does; npm takes them from the running stack where they
are not set. Services go on meanwhile. Each command may be interrupted, repeated, and run several
times at once: what is done is not done again.

A content key is changed in two steps, because each store must be able to read what another writes:
  1. Put the new key behind the others, CONTENT_KEYS=k1:…,k2:…, and restart every store.
  2. Put it in front, CONTENT_KEYS=k2:…,k1:…, and restart every store. Then run "rotate", and
     "reencrypt" once. When "status" has nothing under k1, leave it out and restart every store.

Exits with 0 if all is done, with 1 if it failed or something cannot be read and so stays as it is.
`;

export type KeysCommand =
  | { kind: 'status' }
  | { kind: 'rotate' }
  | { kind: 'reencrypt'; rowsPerS: number }
  | { kind: 'help'; isAsked: boolean };

const ROWS_PER_S = { byDefault: 10_000, max: 1_000_000 };

/** Reads the arguments behind the name of the program. What cannot be read asks for help. */
export function readKeysCommand(args: readonly string[]): KeysCommand {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: 'boolean', default: false }, 'rows-per-s': { type: 'string' } },
    });
    if (values.help) return { kind: 'help', isAsked: true };
    const [kind, ...more] = positionals;
    const rate = values['rows-per-s'];
    const rowsPerS = rate === undefined ? ROWS_PER_S.byDefault : Number(rate);
    const isRate = Number.isInteger(rowsPerS) && rowsPerS >= 1 && rowsPerS <= ROWS_PER_S.max;
    if (more.length === 0 && isRate) {
      if (kind === 'reencrypt') return { kind, rowsPerS };
      if ((kind === 'status' || kind === 'rotate') && rate === undefined) return { kind };
    }
  } catch {
    return { kind: 'help', isAsked: false }; // `parseArgs` throws on an unknown option.
  }
  return { kind: 'help', isAsked: false };
}
