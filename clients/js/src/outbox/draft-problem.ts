import type { Draft } from './entry.ts';

const CONTENT_CHARACTERS_MAX = 8_000;
const METADATA_BYTES_MAX = 4_096;
/** Neither can stand in a text of the contract: NUL, and half of a pair of surrogates. */
const REFUSED = /\0|\p{Surrogate}/u;

/**
 * Returns what the server would refuse about a draft, or undefined. A client that sends too many
 * bad frames is shut out, so what can be known before is not sent.
 */
export function draftProblem({ content, metadata = {} }: Draft): string | undefined {
  const json = JSON.stringify(metadata);
  if (!content || [...content].length > CONTENT_CHARACTERS_MAX)
    return 'content is empty or too long';
  if (REFUSED.test(content + json)) return 'content or metadata is malformed';
  const isLarge = encodeURI(json).replace(/%../g, '.').length > METADATA_BYTES_MAX;
  return isLarge ? 'metadata is too large' : undefined;
}
