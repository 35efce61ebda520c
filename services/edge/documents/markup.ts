/** This HTML is already escaped, so a template puts it in as it is. */
export type Html = { readonly html: string };
type Chapter = { title: string; id: string };
type Part = Html | string | number | undefined | false | readonly Part[];

const CHAPTER = '## ';
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

/** Shows headings, tables and paragraphs of Markdown, and text in backticks as code. */
export function prose(text: string): Html {
  return html`${text
    .trim()
    .split(/\n{2,}/)
    .map(block)}`;
}

/** Lists the headings of Markdown, with the ids that `prose` gives them. */
export function chaptersOf(text: string): Chapter[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(CHAPTER))
    .map(chapterOf);
}

function chapterOf(line: string): Chapter {
  const title = line.slice(CHAPTER.length);
  return { title, id: `about-${title.toLowerCase().replace(/\W+/g, '-')}` };
}

function block(text: string): Html {
  if (text.startsWith(CHAPTER)) {
    const { id, title } = chapterOf(text);
    return html`<h3 id="${id}">${title}</h3>`;
  }
  if (!text.startsWith('|')) return html`<p>${inline(text)}</p>`;
  const [head = '', , ...rows] = text.split('\n');
  const cells = (row: string): string[] => row.slice(1, -1).split('|');
  const names = cells(head).map((cell) => html`<th>${inline(cell)}</th>`);
  const lines = rows.map((row) => {
    return html`<tr>${cells(row).map((cell) => html`<td>${inline(cell)}</td>`)}</tr>`;
  });
  return html`<table><thead><tr>${names}</tr></thead><tbody>${lines}</tbody></table>`;
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
