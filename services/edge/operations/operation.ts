import type { Static, TSchema } from 'typebox';
import type { UserId } from '../../../shared/ids.ts';
import { compileValidator, type Validator } from '../../../shared/protocol/validator.ts';
import type { Cost } from '../limits/user-limits.ts';
import type { Session } from '../session/session.ts';

/** Who asks, and over what. */
export type Caller = { session: Session; userId: UserId };

/** The answer's `data`, or the event that is the answer, or null where none ever comes. */
type Answer = TSchema | 'pong' | null;
type Handler<Frame, Some extends Answer> = (
  frame: Frame,
  caller: Caller,
) => Some extends TSchema ? Static<Some> | Promise<Static<Some>> : void;

/** The schemas and words of an operation as its document shows them. */
export type OperationDocument = { summary: string; schema: TSchema; answer: Answer };

/**
 * What a frame of one type does. `handle` returns the answer's `data`, at once or later, or
 * undefined where there is none (or it has been sent); a KahaError thrown is the answer.
 */
export type Operation = {
  type: string;
  cost: Cost;
  /** Answered even without an `id`. */
  isAlwaysAnswered: boolean;
  /** Beyond the rate it is not carried out, and no error is told. */
  isDroppable: boolean;
  validator: Validator<TSchema>;
  /** What the schema cannot say, in words. */
  problem(frame: unknown): string | undefined;
  document: OperationDocument;
  handle(frame: unknown, caller: Caller): unknown;
};

type Definition<Schema extends TSchema, Data extends Answer> = {
  type: string;
  /** What it does, in one line for `/asyncapi.json`. */
  summary: string;
  cost: Cost;
  isAlwaysAnswered?: boolean;
  isDroppable?: boolean;
  schema: Schema;
  answer: Data;
  problem?: (frame: Static<Schema>) => string | undefined;
  handle: Handler<Static<Schema>, Data>;
};

/** The one place where a frame that passed its schema becomes typed. */
export function defineOperation<Schema extends TSchema, Data extends Answer>(
  definition: Definition<Schema, Data>,
): Operation {
  const { type, cost, schema, problem, handle, isAlwaysAnswered = false } = definition;
  const { isDroppable = false } = definition;
  const { summary, answer } = definition;
  return {
    type,
    cost,
    isAlwaysAnswered,
    isDroppable,
    validator: compileValidator(schema),
    document: { summary, schema, answer },
    problem: (frame) => problem?.(frame as Static<Schema>),
    handle: (frame, caller) => handle(frame as Static<Schema>, caller),
  };
}
