import Type from 'typebox';
import { KahaError } from '../../shared/errors.ts';
import { BusinessIdField, UserIdField } from '../../shared/protocol/scalars.ts';
import { compileValidator } from '../../shared/protocol/validator.ts';
import type { Profiles } from '../../shared/rpc.ts';
import { refsOf, replyOf } from './profile.ts';
import type { ProfileSource } from './profile-source.ts';

const IDS_MAX = 1_000;
/** What the way back to the caller may take: a part of the names in time beats all of them late. */
const ANSWER_MARGIN_MS = 100;

const request = compileValidator(
  Type.Object({
    user_ids: Type.Optional(Type.Array(UserIdField, { maxItems: IDS_MAX })),
    business_ids: Type.Optional(Type.Array(BusinessIdField, { maxItems: IDS_MAX })),
  }),
);

/** `rpc.profiles.get`: who is unknown, or could not be looked up in time, is absent. */
export async function getProfiles(
  source: ProfileSource,
  body: unknown,
  deadlineAt: number,
): Promise<Profiles> {
  if (!request.check(body)) {
    throw new KahaError('INVALID_REQUEST', request.problems(body).join(', '));
  }
  const refs = refsOf(body);
  if (refs.length > IDS_MAX) throw new KahaError('INVALID_REQUEST', `More than ${IDS_MAX} ids`);
  if (refs.length === 0) return { users: [], businesses: [] };
  return replyOf(await source.look(refs, deadlineAt - ANSWER_MARGIN_MS));
}
