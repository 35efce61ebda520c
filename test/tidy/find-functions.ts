type FoundFunction = {
  /** The name is empty for an arrow function or a callback. */
  name: string;
  /** Lines count from 1. */
  line: number;
  /** The count includes the signature, the body, and nested functions. */
  lines: number;
  parameters: number;
  /** The body of a block is `{ … }`; any other body is one expression. */
  block: boolean;
};

const CONTROL = new Set(['if', 'for', 'while', 'switch', 'catch', 'with', 'await', 'extends']);
const CLOSERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const TYPE_ALIAS = /\btype\s+\w+(?:<[^=]*>)?\s*=\s*$/;
const TYPE_PREFIX = /^(?:keyof|typeof|readonly|asserts|unique|infer)\s+/;
/** A single `=` shows that the text before it was a type and not a body. */
const ASSIGNMENT = /^[^=!<>+*/%&|?-]=[^=>]/;
const TYPE_WORD = /^(?:"[^"]*"|[\w$.-]+)/;

/**
 * Finds functions, methods and arrow functions in masked code (see `maskSource`). A function is
 * every `(…)` that is followed, after an optional type, by `=>`, or by `{` if no control word
 * precedes it. Declarations without a body (overloads, members of types) are not functions, and
 * neither are aliases of a function type. Any other function type is taken for an arrow function
 * with an expression.
 */
export function findFunctions(code: string): FoundFunction[] {
  const found: FoundFunction[] = [];
  for (let open = code.indexOf('('); open >= 0; open = code.indexOf('(', open + 1)) {
    const close = closerOf(code, open);
    if (close < 0) break;
    const body = bodyAfter(code, close);
    if (body === undefined || TYPE_ALIAS.test(code.slice(Math.max(0, open - 100), open))) continue;
    const name = wordBefore(code, open);
    if (!body.arrow && (CONTROL.has(name) || wordBefore(code, open, 2) === 'extends')) continue;
    const line = lineOf(code, open);
    found.push({
      name: body.arrow ? '' : name,
      line,
      lines: lineOf(code, body.end) - line + 1,
      parameters: countParameters(code.slice(open + 1, close)),
      block: body.block,
    });
  }
  return found;
}

type Body = { arrow: boolean; block: boolean; end: number };

function bodyAfter(code: string, close: number): Body | undefined {
  let at = skipBlank(code, close + 1);
  if (code[at] === ':') {
    const afterType = skipType(code, at + 1);
    if (afterType === undefined) return undefined;
    at = afterType;
  }
  const arrow = code.startsWith('=>', at);
  if (arrow) at = skipBlank(code, at + 2);
  if (code[at] === '{') return { arrow, block: true, end: closerOf(code, at) };
  return arrow ? { arrow, block: false, end: endOfExpression(code, at) } : undefined;
}

/** Returns the offset behind a type, or undefined if there is none. */
function skipType(code: string, from: number): number | undefined {
  let at = skipBlank(code, from);
  if (code[at] === '|') at = skipBlank(code, at + 1);
  for (let prefix = TYPE_PREFIX.exec(code.slice(at, at + 40)); prefix !== null; ) {
    at += prefix[0].length;
    prefix = TYPE_PREFIX.exec(code.slice(at, at + 40));
  }
  const operand = skipOperand(code, at);
  if (operand === undefined) return undefined;
  at = skipBlank(code, operand);
  const isFunctionType = code[operand - 1] === ')' && code.startsWith('=>', at);
  if (isFunctionType) return skipType(code, at + 2);
  if (/^(?:[|&]|\bis\b|\bextends\b)/.test(code.slice(at, at + 8))) {
    return skipType(code, at + (/^\w+/.exec(code.slice(at, at + 8))?.[0].length ?? 1));
  }
  return at;
}

function skipOperand(code: string, from: number): number | undefined {
  let at = from;
  if (CLOSERS[code[at] as string] !== undefined) at = closerOf(code, at) + 1;
  else {
    const word = TYPE_WORD.exec(code.slice(at, at + 200));
    if (word === null) return undefined;
    at += word[0].length;
  }
  if (code[at] === '<') at = endOfGenerics(code, at);
  while (code[at] === '[') at = closerOf(code, at) + 1;
  return at > from ? at : undefined;
}

function endOfGenerics(code: string, from: number): number {
  let depth = 0;
  for (let at = from; at < code.length; at += 1) {
    if (code[at] === '<') depth += 1;
    else if (code[at] === '>' && code[at - 1] !== '=') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return code.length;
}

function endOfExpression(code: string, from: number): number {
  for (let at = from; at < code.length; at += 1) {
    const char = code[at] as string;
    if (CLOSERS[char] !== undefined) at = closerOf(code, at);
    else if (/[,;)\]}]/.test(char) || ASSIGNMENT.test(code.slice(at - 1, at + 2))) {
      return code.slice(0, at).trimEnd().length - 1;
    }
  }
  return code.length - 1;
}

/** Returns the offset of the bracket that closes the one at `open`, or -1 if there is none. */
function closerOf(code: string, open: number): number {
  const opener = code[open] as string;
  const closer = CLOSERS[opener];
  let depth = 0;
  for (let at = open; at < code.length; at += 1) {
    if (code[at] === opener) depth += 1;
    else if (code[at] === closer) depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}

function countParameters(inner: string): number {
  let depth = 0;
  const parts = [''];
  for (let at = 0; at < inner.length; at += 1) {
    const char = inner[at] as string;
    if (/[([{<]/.test(char)) depth += 1;
    else if (/[)\]}]/.test(char) || (char === '>' && inner[at - 1] !== '=')) depth -= 1;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts.filter((part) => part.trim() !== '').length;
}

/**
 * Returns the word that ends before `open`, leaving type parameters aside. `nth` 2 is the word
 * before that one.
 */
function wordBefore(code: string, open: number, nth = 1): string {
  const before = code.slice(Math.max(0, open - 200), open).replace(/<[^<>]*>\s*$/, '');
  return before.match(/[\w$#]+/g)?.at(-nth) ?? '';
}

function skipBlank(code: string, from: number): number {
  let at = from;
  while (at < code.length && /\s/.test(code[at] as string)) at += 1;
  return at;
}

function lineOf(code: string, offset: number): number {
  let line = 1;
  for (let at = code.indexOf('\n'); at >= 0 && at < offset; at = code.indexOf('\n', at + 1)) {
    line += 1;
  }
  return line;
}
