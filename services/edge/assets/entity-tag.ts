import { createHash } from 'node:crypto';

const TAG_CHARACTERS = 22;

/** Returns the ETag of these bytes. Bytes that are compressed differently have another one. */
export function entityTagOf(bytes: Buffer): string {
  const hash = createHash('sha256').update(bytes).digest('base64url');
  return `"${hash.slice(0, TAG_CHARACTERS)}"`;
}

/** Tells whether the header `If-None-Match` names the tag, so that the client has these bytes. */
export function isTagKnown(ifNoneMatch: string, tag: string): boolean {
  if (ifNoneMatch === '*') return true;
  return ifNoneMatch.split(/\s*,\s*/).some((known) => known.replace(/^W\//, '') === tag);
}
