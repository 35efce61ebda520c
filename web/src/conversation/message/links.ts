/** A text is shown in parts. Those with an address become links. */
type TextPart = { text: string /** The part begins there. */; at: number; address?: string };

/** An invisible character could make a reader see another address, so none is part of one. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`{}|\\^\p{C}]+/giu;
/** Such a sign ends a sentence rather than an address. */
const TRAILING = /[.,;:!?…]+$/u;
const PARTS_MAX = 200;

/**
 * Finds the addresses of web pages in a text. Only `http` and `https` make links, and only those
 * that a browser can read. Joined together, the parts are the text.
 */
export function partsOf(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    if (parts.length + 3 > PARTS_MAX) break;
    const shown = trimmed(found);
    const address = addressOf(shown);
    if (address === undefined) continue;
    if (index > at) parts.push({ text: text.slice(at, index), at });
    parts.push({ text: shown, at: index, address });
    at = index + shown.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), at });
  return parts;
}

/** A bracket belongs to the address if it was opened there. */
function trimmed(found: string): string {
  let shown = found.replace(TRAILING, '');
  while (shown.endsWith(')') && count(shown, ')') > count(shown, '(')) {
    shown = shown.slice(0, -1).replace(TRAILING, '');
  }
  return shown;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

function addressOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password, href } = new URL(text);
  // An address like https://bank.example@evil.example shows another host than it leads to.
  if (username || password) return undefined;
  return protocol === 'https:' || protocol === 'http:' ? href : undefined;
}
