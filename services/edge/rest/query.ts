import type { TObject } from 'typebox';

const WHOLE_NUMBER = /^-?\d{1,16}$/;

/**
 * Reads a query string into values of the types that the schema asks for: whole numbers, booleans,
 * and lists of texts with commas between them. A value that does not fit its type stays text, and
 * the schema refuses it later. If the query as a whole is wrong, the result is a string that says
 * why.
 */
export function readQuery(raw: string, schema: TObject): Record<string, unknown> | string {
  const values: Record<string, unknown> = {};
  if (raw === '') return values;
  const properties = schema.properties as Record<string, { type?: string }>;
  for (const [name, text] of new URLSearchParams(raw)) {
    if (Object.hasOwn(values, name)) return `${name}: given more than once`;
    if (text.includes('\0')) return `${name}: holds NUL`;
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    Object.defineProperty(values, name, {
      value: typedValue(text, property?.type),
      enumerable: true,
    });
  }
  return values;
}

function typedValue(text: string, type: string | undefined): unknown {
  if (type === 'integer' && WHOLE_NUMBER.test(text)) return Number(text);
  if (type === 'array') return text.split(',');
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
