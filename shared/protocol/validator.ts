import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

/**
 * A validator is a compiled schema. `check` allocates nothing, so use it first, and `problems` only
 * for a value that failed.
 */
export type Validator<Schema extends TSchema> = {
  check(value: unknown): value is Static<Schema>;
  /** Lists, in words, at most three problems of the value. */
  problems(value: unknown): string[];
};

const PROBLEMS_MAX = 3;

export function compileValidator<Schema extends TSchema>(schema: Schema): Validator<Schema> {
  const compiled = Compile(schema);
  return {
    check: (value): value is Static<Schema> => compiled.Check(value),
    problems(value) {
      const texts = new Set<string>();
      for (const { keyword, instancePath, message, params } of errorsOfMeantShape(
        compiled.Errors(value),
      )) {
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

type Problem = { keyword: string; schemaPath: string; instancePath: string };
/**
 * This pattern matches the part of a schema path that leads to a branch of the outermost union. A
 * union within the branch is not part of the match.
 */
const BRANCH = /^(.*?\/anyOf\/\d+)(?:\/|$)/;

/**
 * Picks the errors that help the client. A value that must fit one of several shapes fails all of
 * them. If the shapes differ by `type`, only the errors of the shape with the value's `type` are
 * kept. If no shape has that `type`, only the errors about the `type` are kept.
 */
function errorsOfMeantShape<Error extends Problem>(errors: readonly Error[]): readonly Error[] {
  const branches = new Set<string>();
  const others = new Set<string>();
  for (const { schemaPath, instancePath } of errors) {
    const branch = BRANCH.exec(schemaPath)?.[1];
    if (branch === undefined) continue;
    branches.add(branch);
    if (instancePath.endsWith('/type')) others.add(branch);
  }
  if (others.size === 0) return errors;
  if (others.size === branches.size) {
    return errors.filter(({ instancePath }) => instancePath.endsWith('/type'));
  }
  return errors.filter(({ schemaPath }) => !others.has(BRANCH.exec(schemaPath)?.[1] ?? ''));
}
