import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

/** A compiled schema. `check` is free of allocation; `problems` is for what failed. */
export type Validator<Schema extends TSchema> = {
  check(value: unknown): value is Static<Schema>;
  /** What is wrong, in words, at most three things. */
  problems(value: unknown): string[];
};

const PROBLEMS_MAX = 3;

export function compileValidator<Schema extends TSchema>(schema: Schema): Validator<Schema> {
  const compiled = Compile(schema);
  return {
    check: (value): value is Static<Schema> => compiled.Check(value),
    problems(value) {
      const texts = new Set<string>();
      for (const { keyword, instancePath, message, params } of compiled.Errors(value)) {
        if (keyword === 'boolean' || keyword === 'anyOf') continue;
        const path = instancePath.slice(1).replaceAll('/', '.');
        const names = unknownNames(params);
        const text = names === undefined ? message : `unknown field ${names}`;
        texts.add(path === '' ? text : `${path}: ${text}`);
        if (texts.size === PROBLEMS_MAX) break;
      }
      return texts.size > 0 ? [...texts] : ['does not have the right shape'];
    },
  };
}

const NAME_CHARACTERS_MAX = 64;

function unknownNames(params: object): string | undefined {
  const { additionalProperties } = params as { additionalProperties?: string[] };
  return additionalProperties?.[0]?.slice(0, NAME_CHARACTERS_MAX);
}
