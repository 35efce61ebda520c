import Type from 'typebox';
import type { Profiles } from '../../../shared/contracts/profile-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import { BusinessIdField, UserIdField } from '../../../shared/protocol/scalars.ts';
import { compileValidator } from '../../../shared/protocol/validator.ts';
import { type ProfileMap, refsOf, requestOf } from '../profile.ts';
import type { ProfilesMetrics } from '../profiles-metrics.ts';
import type { ProfileSource } from './profile-source.ts';

/** This many ids suffice for a page of 200 conversations of 8 users each, and their businesses. */
const IDS_MAX = 2_000;
/**
 * The way back to the caller may take this long. Some of the names in time are worth more than all
 * of them late.
 */
const ANSWER_MARGIN_MS = 100;
/**
 * NATS takes 1 MiB, of which the ids that were missed take 80 KB at most. A reply that grows too
 * large loses avatars first, then profiles.
 */
const REPLY_BYTES = { withAvatars: 640 * 1024, max: 880 * 1024 };
/** This many profiles fit whatever they hold, so their size is not measured. */
const PROFILES_THAT_FIT = 100;

const request = compileValidator(
  Type.Object({
    user_ids: Type.Optional(Type.Array(UserIdField, { maxItems: IDS_MAX })),
    business_ids: Type.Optional(Type.Array(BusinessIdField, { maxItems: IDS_MAX })),
  }),
);

/**
 * Answers `rpc.profiles.get`. A profile that is unknown is absent, and so is one that could not be
 * looked up in time, which the reply names as missed.
 */
export async function getProfiles(
  { source, metrics }: { source: ProfileSource; metrics: ProfilesMetrics },
  body: unknown,
  deadlineAt: number,
): Promise<Profiles> {
  if (!request.check(body)) {
    throw new KahaError('INVALID_REQUEST', request.problems(body).join(', '));
  }
  const refs = refsOf(body);
  metrics.requests.inc();
  if (refs.length > IDS_MAX) throw new KahaError('INVALID_REQUEST', `More than ${IDS_MAX} ids`);
  if (refs.length === 0) return { users: [], businesses: [] };
  const { profiles, missed } = await source.look(refs, deadlineAt - ANSWER_MARGIN_MS);
  const { reply, trimmed } = replyOf(profiles);
  if (trimmed > 0) metrics.trimmed.inc(trimmed);
  return missed.length === 0 ? reply : { ...reply, missed: requestOf(missed) };
}

/**
 * Makes a reply that fits into a NATS message. `trimmed` counts the profiles that lost their avatar
 * or were left out.
 */
export function replyOf(profiles: ProfileMap): { reply: Profiles; trimmed: number } {
  const reply: Profiles = { users: [], businesses: [] };
  const fit = profiles.size > PROFILES_THAT_FIT ? createTrim() : whole;
  let trimmed = 0;
  for (const { kind, fields } of profiles.values()) {
    const fitting = fit(fields);
    if (fitting !== fields) trimmed += 1;
    if (fitting === undefined) continue;
    if (kind === 'user') reply.users.push(fitting as Profiles['users'][number]);
    else reply.businesses.push(fitting as Profiles['businesses'][number]);
  }
  return { reply, trimmed };
}

type Fields = { name: string; avatar_url?: string };

function whole<Some extends Fields>(fields: Some): Some {
  return fields;
}

/**
 * The function lets through as much of each profile as there is room for. It returns undefined if
 * there is no room for any of it.
 */
function createTrim() {
  let bytes = 0;
  return <Some extends Fields>(fields: Some): Some | Omit<Some, 'avatar_url'> | undefined => {
    const { avatar_url: avatarUrl = '', ...rest } = fields;
    const isWhole = bytes + bytesOf(avatarUrl) + bytesOf(rest.name) <= REPLY_BYTES.withAvatars;
    bytes += bytesOf(rest.name) + (isWhole ? bytesOf(avatarUrl) : 0);
    if (bytes > REPLY_BYTES.max) return undefined;
    return isWhole ? fields : rest;
  };
}

/** Returns the bytes that a text takes in JSON, with a share of the rest of a profile. */
function bytesOf(text: string): number {
  return text === '' ? 0 : Buffer.byteLength(JSON.stringify(text)) + 60;
}
