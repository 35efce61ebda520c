import { KahaError } from '../../../shared/errors.ts';
import type { Operation } from './operation.ts';

/**
 * Returns, in words, what is wrong with a request. The result is undefined if the handler may have
 * the request.
 */
export function requestProblems(operation: Operation, request: unknown): string[] | undefined {
  if (!operation.validator.check(request)) return operation.validator.problems(request);
  const problem = operation.problem(request);
  return problem === undefined ? undefined : [problem];
}

export function malformed(problems: readonly string[]): KahaError {
  return new KahaError('INVALID_REQUEST', problems.join('; '), { details: { problems } });
}
