/**
 * A source text is split into code and comments. Both parts have the length and the line breaks of
 * the text, and are blank where the other part is, so an offset means the same place in all three.
 */
type MaskedSource = {
  /**
   * The code has no comments. Strings are `"   "`, regular expressions `/   /`, and `${…}` in
   * templates `(…)`.
   */
  code: string;
  /** This part has the comments alone. */
  comments: string;
};

/** A `/` after one of these begins a regular expression and divides nothing. */
const BEFORE_REGEX = /(?:^|[-(,=:[!&|?{};+*%^~<>]|\b(?:return|typeof|case|in|of|await|throw))$/;

/**
 * Splits TypeScript or JavaScript without parsing it. The split is exact except for a `)` that is
 * followed by a regular expression.
 */
export function maskSource(text: string): MaskedSource {
  const code: string[] = [];
  const comments: string[] = [];
  /** The stack holds, for each open template expression, how many braces are open inside it. */
  const templates: number[] = [];
  let at = 0;

  const emit = (until: number, shown: string, comment = false): void => {
    const part = text.slice(at, until);
    code.push(shown);
    comments.push(comment ? part : blank(part));
    at = until;
  };
  const emitTemplate = (opener: string): void => {
    const end = endOfTemplate(text, at + 1);
    const inExpression = text[end - 1] === '{';
    emit(end, opener + blank(text.slice(at + 1, end - 1)) + (inExpression ? '(' : '"'));
    if (inExpression) templates.push(0);
  };

  while (at < text.length) {
    const char = text[at] as string;
    const two = text.slice(at, at + 2);
    if (two === '//') {
      const end = endOfLine(text, at);
      emit(end, blank(text.slice(at, end)), true);
    } else if (two === '/*') {
      const close = text.indexOf('*/', at + 2);
      const end = close < 0 ? text.length : close + 2;
      emit(end, blank(text.slice(at, end)), true);
    } else if ((char === "'" || char === '"') && !isApostrophe(text, at)) {
      const end = endOfQuoted(text, at);
      emit(end, `"${blank(text.slice(at + 1, end - 1))}"`);
    } else if (char === '`') emitTemplate('"');
    else if (char === '/' && !isOfTag(text, at) && BEFORE_REGEX.test(lastOf(code))) {
      const end = endOfRegex(text, at);
      emit(end, `/${blank(text.slice(at + 1, end - 1))}/`);
    } else if (char === '}' && templates.at(-1) === 0) {
      templates.pop();
      emitTemplate(')');
    } else {
      const depth = templates.length - 1;
      if (depth >= 0 && char === '{') templates[depth] = (templates[depth] ?? 0) + 1;
      if (depth >= 0 && char === '}') templates[depth] = (templates[depth] ?? 0) - 1;
      emit(at + 1, char);
    }
  }
  return { code: code.join(''), comments: comments.join('') };
}

/** The text between two tags may have an apostrophe in a word, and no string begins there. */
function isApostrophe(text: string, at: number): boolean {
  return /[A-Za-z]/.test(text[at - 1] ?? '');
}

/** Tells whether a `/` closes a tag: `</p>` or `<br />`. */
function isOfTag(text: string, at: number): boolean {
  return text[at - 1] === '<' || text[at + 1] === '>';
}

/** Returns enough of the code before this point, without blanks, to recognise a keyword. */
function lastOf(code: readonly string[]): string {
  let text = '';
  for (let index = code.length - 1; index >= 0; index -= 1) {
    text = (code[index] as string) + text;
    if (text.trimEnd().length > 12 && text.trim().length > 0) break;
  }
  return text.trimEnd();
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function endOfQuoted(text: string, from: number): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === quote) return at + 1;
  }
  return text.length;
}

/** Returns the offset behind the closing backtick, or behind `${` if one comes first. */
function endOfTemplate(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '`') return at + 1;
    else if (text[at] === '$' && text[at + 1] === '{') return at + 2;
  }
  return text.length;
}

function endOfRegex(text: string, from: number): number {
  let inClass = false;
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '[') inClass = true;
    else if (text[at] === ']') inClass = false;
    else if (text[at] === '/' && !inClass) return at + 1;
  }
  return text.length;
}
