import Type, { type Static, type TSchema } from 'typebox';
import { compileValidator, type Validator } from '../../shared/protocol/validator.ts';
import type { BusinessProfile, UserProfile } from '../../shared/rpc.ts';
import type { Profile, ProfileMap, ProfileRef } from './profile.ts';

/** The answer as a whole cannot be used; the same question may get a better one. */
export class MalformedAnswerError extends Error {
  override readonly name = 'MalformedAnswerError';
}

const NAME_CHARACTERS_MAX = 200;
const URL_CHARACTERS_MAX = 2_048;

const orNull = <Schema extends TSchema>(schema: Schema) =>
  Type.Optional(Type.Union([schema, Type.Null()]));
const entry = {
  id: Type.String(),
  name: Type.String({ minLength: 1, maxLength: NAME_CHARACTERS_MAX, pattern: '\\S' }),
  avatar_url: orNull(Type.String({ maxLength: URL_CHARACTERS_MAX })),
};
const UserEntry = Type.Object({ ...entry, user_type: orNull(Type.String({ maxLength: 64 })) });
const BusinessEntry = Type.Object({ ...entry, is_online: orNull(Type.Boolean()) });
const list = Type.Optional(Type.Array(Type.Unknown()));

const answer = compileValidator(Type.Object({ users: list, businesses: list }));
const user = compileValidator(UserEntry);
const business = compileValidator(BusinessEntry);

/**
 * Reads what kaha-main-v3 answered to `refs`. Each entry stands for itself: one that is malformed,
 * or that nobody asked for, is left out. Throws MalformedAnswerError where there are no lists.
 */
export function readKahaAnswer(text: string, refs: readonly ProfileRef[]): ProfileMap {
  const parsed = parse(text);
  if (!answer.check(parsed)) throw new MalformedAnswerError('no lists of profiles in the answer');
  const profiles: Profile[] = [
    ...valid(parsed.users ?? [], user).map(toUser),
    ...valid(parsed.businesses ?? [], business).map(toBusiness),
  ];
  const byKey = new Map(
    profiles.map((profile) => [`${profile.kind}:${profile.fields.id}`, profile]),
  );
  const found: ProfileMap = new Map();
  for (const { key } of refs) {
    const profile = byKey.get(key);
    if (profile !== undefined) found.set(key, profile);
  }
  return found;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MalformedAnswerError('the answer is not JSON', { cause: error });
  }
}

function valid<Schema extends TSchema>(
  entries: readonly unknown[],
  validator: Validator<Schema>,
): Static<Schema>[] {
  return entries.filter((one) => validator.check(one)) as Static<Schema>[];
}

function toUser({ id, name, avatar_url, user_type }: Static<typeof UserEntry>): Profile {
  const fields = {
    id: id.toLowerCase() as UserProfile['id'],
    name,
    ...(avatar_url && { avatar_url }),
    ...(user_type && { user_type }),
  };
  return { kind: 'user', fields };
}

function toBusiness({ id, name, avatar_url, is_online }: Static<typeof BusinessEntry>): Profile {
  const fields = {
    id: id.toLowerCase() as BusinessProfile['id'],
    name,
    ...(avatar_url && { avatar_url }),
    ...(typeof is_online === 'boolean' && { is_online }),
  };
  return { kind: 'business', fields };
}
