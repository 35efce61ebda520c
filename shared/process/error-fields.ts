/** A log tells this of an error. `causes` has its causes and the errors that it gathers. */
type ErrorFields = {
  name: string;
  code?: string | number;
  message: string;
  causes?: Omit<ErrorFields, 'causes'>[];
};

const CAUSES_MAX = 5;
const MESSAGE_CHARACTERS_MAX = 500;
const NAME_CHARACTERS_MAX = 64;
/** Errors are looked for so deep in the fields of a line; a logger prints nothing deeper. */
const DEPTH_MAX = 5;

/**
 * An error becomes its name, code and message, and nothing else of it reaches a log: drivers hang
 * statements, parameters, secrets and whole clients on their errors. The same holds for at most 5
 * of its causes. The call never throws, whatever was thrown: a property that cannot be read counts
 * as absent, a long text is cut, and an error that is its own cause is told once.
 */
export function toErrorFields(thrown: unknown): ErrorFields {
  const [first, ...rest] = chainOf(thrown).map(toFields);
  const fields = first as ErrorFields;
  return rest.length > 0 ? { ...fields, causes: rest } : fields;
}

/** The fields of a log line are kept, but each error in them becomes what a log tells of it. */
export function withErrorFields(value: unknown, depth = 0): unknown {
  if (isError(value)) return toErrorFields(value);
  if (depth > DEPTH_MAX || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => withErrorFields(item, depth + 1));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const fields = Object.entries(value).map(([name, field]) => [
    name,
    name === 'err' ? toErrorFields(field) : withErrorFields(field, depth + 1),
  ]);
  return Object.fromEntries(fields);
}

export function isError(value: unknown): boolean {
  try {
    return value instanceof Error;
  } catch {
    return true; // A proxy that refuses to tell its prototype is not looked into.
  }
}

/** The first is what was thrown. Its causes follow, each before those of the next. */
function chainOf(thrown: unknown): unknown[] {
  const chain = [thrown];
  const seen = new Set(chain);
  for (let index = 0; index < chain.length; index += 1) {
    for (const cause of causesOf(chain[index])) {
      if (chain.length > CAUSES_MAX) return chain;
      if (!seen.has(cause)) chain.push(cause);
      seen.add(cause);
    }
  }
  return chain;
}

function causesOf(thrown: unknown): unknown[] {
  const causes = [read(thrown, 'cause')];
  const errors = read(thrown, 'errors');
  for (let index = 0; index < CAUSES_MAX; index += 1) causes.push(read(errors, `${index}`));
  return causes.filter((one) => one !== undefined && one !== null);
}

function toFields(thrown: unknown): Omit<ErrorFields, 'causes'> {
  if (typeof thrown !== 'object' || thrown === null) {
    return { name: typeof thrown, message: cut(textOf(thrown), MESSAGE_CHARACTERS_MAX) };
  }
  const [name, code, message] = ['name', 'code', 'message'].map((key) => read(thrown, key));
  return {
    name: typeof name === 'string' ? cut(name, NAME_CHARACTERS_MAX) : 'unknown',
    ...(typeof code === 'string' && { code: cut(code, NAME_CHARACTERS_MAX) }),
    ...(typeof code === 'number' && { code }),
    message: typeof message === 'string' ? cut(message, MESSAGE_CHARACTERS_MAX) : '',
  };
}

function read(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined; // A getter has thrown.
  }
}

function textOf(value: unknown): string {
  return typeof value === 'function' ? 'a function' : String(value);
}

function cut(text: string, charactersMax: number): string {
  return text.length <= charactersMax ? text : `${text.slice(0, charactersMax)}…`;
}
