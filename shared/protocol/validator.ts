import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Settings } from 'typebox/system';

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
/**
 * The library looks for so many errors. The eight of its default may all be those of shapes that
 * are not meant.
 */
const ERRORS_MAX = 32;

export function compileValidator<Schema extends TSchema>(schema: Schema): Validator<Schema> {
  const compiled = Compile(schema);
  return {
    check: (value): value is Static<Schema> => compiled.Check(value),
    problems(value) {
      Settings.Set({ maxErrors: ERRORS_MAX });
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

const KIND = /\/(?:type|provider)$/;

/**
 * Picks the errors that help the client. A value that must fit one of several shapes fails all of
 * them. If the shapes differ by `type` or `provider`, only the errors of the shape with the value's
 * one are kept. If no shape has that one, only the errors about it are kept.
 */
function errorsOfMeantShape<Error extends Problem>(errors: readonly Error[]): readonly Error[] {
  const branches = new Set<string>();
  const others = new Set<string>();
  for (const { schemaPath, instancePath } of errors) {
    const branch = BRANCH.exec(schemaPath)?.[1];
    if (branch === undefined) continue;
    branches.add(branch);
    if (KIND.test(instancePath)) others.add(branch);
  }
  if (others.size === 0) return errors;
  if (others.size === branches.size) {
    return errors.filter(({ instancePath }) => KIND.test(instancePath));
  }
  return errors.filter(({ schemaPath }) => !others.has(BRANCH.exec(schemaPath)?.[1] ?? ''));
}
