import { keyProblem } from '../../../shared/process/secrets.ts';

export type ContentKey = { id: string; key: Buffer };

const KEY_BYTES = 32;
const ENTRY = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]+=*)$/;

/** The text is `<key id>:<base64 of 32 bytes>[,…]`. A problem names the entry, never its value. */
export function parseContentKeys(text: string): { keys: ContentKey[]; problems: string[] } {
  const keys: ContentKey[] = [];
  const problems: string[] = [];
  for (const [index, entry] of text.split(',').entries()) {
    const [, id, base64] = ENTRY.exec(entry.trim()) ?? [];
    const key = Buffer.from(base64 ?? '', 'base64');
    if (id === undefined || key.length !== KEY_BYTES) {
      problems.push(`entry ${index + 1} is not <key id>:<base64 of ${KEY_BYTES} bytes>`);
    } else if (keys.some((other) => other.id === id)) {
      problems.push(`key id ${id} appears twice`);
    } else {
      const weakness = keyProblem(key);
      const same = keys.find((other) => other.key.equals(key));
      if (weakness !== undefined) problems.push(`key ${id} ${weakness}`);
      if (same !== undefined) problems.push(`key ${id} is the same key as ${same.id}`);
      keys.push({ id, key });
    }
  }
  return { keys, problems };
}
