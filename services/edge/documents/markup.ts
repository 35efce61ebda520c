/** This HTML is already escaped, so a template puts it in as it is. */
export type Html = { readonly html: string };
type Part = Html | string | number | undefined | false | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * This template tag escapes each part that is not `Html`. For `false` and `undefined` it puts in
 * nothing.
 */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: texts.map((text, index) => text + textOf(parts[index])).join('') };
}

/** Makes a paragraph of each part between empty lines, and shows text in backticks as code. */
export function prose(text: string): Html {
  const paragraphs = text.split(/\n{2,}/).map((paragraph) => html`<p>${inline(paragraph)}</p>`);
  return html`${paragraphs}`;
}

export function inline(text: string): Html {
  const pieces = text
    .split('`')
    .map((piece, index) => (index % 2 ? html`<code>${piece}</code>` : piece));
  return html`${pieces}`;
}

function textOf(part: Part): string {
  if (part === undefined || part === false) return '';
  if (typeof part === 'string' || typeof part === 'number') {
    return String(part).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
  }
  return 'html' in part ? part.html : part.map(textOf).join('');
}
