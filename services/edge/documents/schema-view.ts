import { type Html, html, inline } from './markup.ts';
import type { Json } from './schema-text.ts';

type Schema = Json & {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  enum?: string[];
  description?: string;
  default?: unknown;
};

/** The page shows the name instead of a pattern that contains the mark. */
const PATTERNS: readonly [mark: string, name: string][] = [
  ['-4[0-9a-f]', 'UUID'],
  ['24:00', 'HH:MM'],
  ['(?:19[7-9]', 'date'],
  ['\\d{4}-\\d{2}-', 'time'],
];

/** Shows the fields of an object as a table, and a choice between objects as a table for each. */
export function schemaView(given: unknown): Html {
  const schema = given as Schema;
  if (schema.anyOf?.some(({ properties }) => properties)) {
    const choices = schema.anyOf.map((choice) => html`<li>${schemaView(choice)}</li>`);
    return html`<p class="choice">One of</p><ol class="choices">${choices}</ol>`;
  }
  if (schema.properties === undefined) return html`<p>${typeView(schema)}</p>`;
  const rows = Object.entries(schema.properties).map(([name, field]) =>
    fieldRow(schema, name, field),
  );
  if (rows.length === 0) return html`<p class="quiet">An empty object.</p>`;
  return html`<table><tbody>${rows}</tbody></table>`;
}

/** Shows a type in a few words, and a type that has a name as a link. */
function typeView(schema: Schema): Html {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`;
  if (schema.enum !== undefined)
    return html`${joined(
      schema.enum.map((value) => html`<code>${value}</code>`),
      ' · ',
    )}`;
  if (schema.anyOf !== undefined) return html`${joined(schema.anyOf.map(typeView), ' or ')}`;
  if (schema.items !== undefined) return html`list of ${typeView(schema.items)}${limitsOf(schema)}`;
  const named = PATTERNS.find(([mark]) => String(schema.pattern ?? '').includes(mark));
  if (named !== undefined) return html`${named[1]}`;
  return html`${schema.type ?? 'any JSON'}${limitsOf(schema)}`;
}

function fieldRow({ required = [] }: Schema, name: string, field: Schema): Html {
  const shown = html`${typeView(field)}${field.properties !== undefined && schemaView(field)}`;
  const fallback = field.default !== undefined && `Default \`${String(field.default)}\``;
  const note = field.description ?? (fallback || undefined);
  return rowView({ name, shown, isRequired: required.includes(name), note });
}

type Row = { name: string; shown: Html; isRequired: boolean; note: string | undefined };

/** Shows a field as a row of a table. */
function rowView({ name, shown, isRequired, note }: Row): Html {
  const optional = !isRequired && html`<span class="optional">optional</span>`;
  const below = note !== undefined && html`<div class="quiet">${inline(note)}</div>`;
  const head = html`<th scope="row"><code>${name}</code>${optional}</th>`;
  return html`<tr>${head}<td>${shown}${below}</td></tr>`;
}

/**
 * Shows limits as `, 1-200`. A maximum of `Number.MAX_SAFE_INTEGER` tells a reader nothing, so it
 * is left out.
 */
function limitsOf(schema: Schema): string {
  const pairs = [
    [schema.minLength, schema.maxLength, ' characters'],
    [schema.minItems, schema.maxItems, ' items'],
    [schema.minimum, schema.maximum, ''],
  ];
  const texts = pairs.flatMap(([min, max, unit]) => {
    const hasMax = typeof max === 'number' && max < Number.MAX_SAFE_INTEGER;
    if (hasMax) return [`${min ?? 0}-${max}${unit}`];
    return typeof min === 'number' && min > 0 ? [`≥ ${min}${unit}`] : [];
  });
  return texts.length === 0 ? '' : `, ${texts.join(', ')}`;
}

function joined(parts: readonly Html[], separator: string): Html[] {
  return parts.flatMap((part, index) => (index === 0 ? [part] : [html`${separator}`, part]));
}
