import type { Static, TSchema } from 'typebox';
import type { UserId } from '../../../shared/ids.ts';
import { compileValidator, type Validator } from '../../../shared/protocol/validator.ts';
import type { Session } from '../session.ts';
import type { Cost } from '../user-limits.ts';

/** Who asks, and over what. */
export type Caller = { session: Session; userId: UserId };

/**
 * What a frame of one type does. `handle` returns the answer's `data`, at once or later, or
 * undefined where there is none (or it has been sent); a KahaError thrown is the answer.
 */
export type Operation = {
  type: string;
  cost: Cost;
  /** Answered even without an `id`. */
  isAlwaysAnswered: boolean;
  validator: Validator<TSchema>;
  /** What the schema cannot say, in words. */
  problem(frame: unknown): string | undefined;
  handle(frame: unknown, caller: Caller): unknown;
};

type Definition<Schema extends TSchema> = {
  type: string;
  cost: Cost;
  isAlwaysAnswered?: boolean;
  schema: Schema;
  problem?: (frame: Static<Schema>) => string | undefined;
  handle: (frame: Static<Schema>, caller: Caller) => unknown;
};

/** The one place where a frame that passed its schema becomes typed. */
export function defineOperation<Schema extends TSchema>(definition: Definition<Schema>): Operation {
  const { type, cost, schema, problem, handle, isAlwaysAnswered = false } = definition;
  return {
    type,
    cost,
    isAlwaysAnswered,
    validator: compileValidator(schema),
    problem: (frame) => problem?.(frame as Static<Schema>),
    handle: (frame, caller) => handle(frame as Static<Schema>, caller),
  };
}
