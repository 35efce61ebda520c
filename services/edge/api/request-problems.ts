import { KahaError } from '../../../shared/errors.ts';
import type { Operation } from './operation.ts';

/** What is wrong with a request, in words; undefined where the handler may have it. */
export function requestProblems(operation: Operation, request: unknown): string[] | undefined {
  if (!operation.validator.check(request)) return operation.validator.problems(request);
  const problem = operation.problem(request);
  return problem === undefined ? undefined : [problem];
}

export function malformed(problems: readonly string[]): KahaError {
  return new KahaError('INVALID_REQUEST', problems.join('; '), { details: { problems } });
}
