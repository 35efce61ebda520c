import type { TSchema } from 'typebox';

/**
 * Returns a copy of the schema that says what its value is, in words for the documents. A copy by
 * spreading would lose the marks of typebox, which are not enumerable.
 */
export function described<Schema extends TSchema>(schema: Schema, description: string): Schema {
  const copy = Object.create(null, Object.getOwnPropertyDescriptors(schema)) as Schema;
  return Object.defineProperty(copy, 'description', { value: description, enumerable: true });
}
