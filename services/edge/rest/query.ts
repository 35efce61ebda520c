import type { TObject } from 'typebox';

const WHOLE_NUMBER = /^-?\d{1,16}$/;

/**
 * A query string as the values that its schema speaks of: whole numbers, booleans, and lists of
 * texts with commas between them. A value that does not fit stays text and fails the schema. A
 * string returned says what is wrong with the query as such.
 */
export function readQuery(raw: string, schema: TObject): Record<string, unknown> | string {
  const values: Record<string, unknown> = {};
  if (raw === '') return values;
  const properties = schema.properties as Record<string, { type?: string }>;
  for (const [name, text] of new URLSearchParams(raw)) {
    if (Object.hasOwn(values, name)) return `${name}: given more than once`;
    if (text.includes('\0')) return `${name}: holds NUL`;
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    Object.defineProperty(values, name, { value: typed(text, property?.type), enumerable: true });
  }
  return values;
}

function typed(text: string, type: string | undefined): unknown {
  if (type === 'integer' && WHOLE_NUMBER.test(text)) return Number(text);
  if (type === 'array') return text.split(',');
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
