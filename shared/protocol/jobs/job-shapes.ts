import Type, { type Static } from 'typebox';
import { type JobId, UUID_V4_PATTERN } from '../../ids.ts';
import { described } from '../described.ts';
import { UserIdField } from '../scalars.ts';

/** Services ask for long work in these shapes, and how far it is. An unknown field is an error. */

const closed = { additionalProperties: false };

const JobIdField = Type.Unsafe<JobId>({
  type: 'string',
  pattern: UUID_V4_PATTERN,
  description: 'The id names the job.',
});
const count = (description: string) => Type.Integer({ minimum: 0, description });

export const EraseUserRequest = Type.Object(
  { user_id: described(UserIdField, 'The id names the person.') },
  closed,
);

/** A request for long work is answered with this. */
export const JobBegunShape = Type.Object({ job_id: JobIdField });

export const JobRequest = Type.Object({ job_id: JobIdField }, closed);

export const JobShape = Type.Object({
  state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')], {
    description: 'A job that has failed goes on when it is asked for again.',
  }),
  done: count('So many parts of the work are done.'),
  total: count('The work has so many parts, as far as is known.'),
});
export type JobShape = Static<typeof JobShape>;
