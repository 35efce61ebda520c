import type { Redis } from 'ioredis';
import type { Kysely } from 'kysely';
import type { StoreOps } from '../../shared/contracts/store-ops.ts';
import type { DurableEvents } from '../../shared/durable-events/durable-event.ts';
import { KahaError } from '../../shared/errors.ts';
import { isUuidV4 } from '../../shared/ids.ts';
import type { Logger } from '../../shared/process/logger.ts';
import type { Metrics } from '../../shared/process/metrics.ts';
import { createAppend } from './append/append.ts';
import type { GroupCommit } from './append/group-commit.ts';
import type { AgentPresences } from './assignment/agent-presence.ts';
import { endLease } from './assignment/leases.ts';
import { notePresence } from './assignment/note-presence.ts';
import { claimPlans, readPlans } from './assignment/read-plans.ts';
import { findLeft, sweepBusinesses } from './assignment/sweep.ts';
import { removeAgent, setAgent, setAgents } from './businesses/change-agents.ts';
import { listAgents } from './businesses/list-agents.ts';
import { readOpenings } from './businesses/read-openings.ts';
import { createSetStatus } from './businesses/set-status.ts';
import { getSettings, setSettings } from './businesses/settings.ts';
import type { AddressCipher } from './content/address-cipher.ts';
import type { ContentCiphers } from './content/content-ciphers.ts';
import { changeConversation } from './conversations/change-conversation.ts';
import type { ChatListCache } from './conversations/chat-list-cache.ts';
import { createConversation } from './conversations/create-conversation.ts';
import { getConversation } from './conversations/get-conversation.ts';
import { listContacts } from './conversations/list-contacts.ts';
import { createListConversations } from './conversations/list-conversations.ts';
import { listSharedContacts } from './conversations/list-shared-contacts.ts';
import { ensurePartitions } from './database/ensure-partitions.ts';
import type { Pool } from './database/pool.ts';
import type { Database } from './database/schema.ts';
import type { TimesAhead } from './database/times-ahead.ts';
import { listDevices } from './devices/list-devices.ts';
import { createNoteSeen } from './devices/note-seen.ts';
import { pruneDevices } from './devices/prune-devices.ts';
import { readDevices } from './devices/read-devices.ts';
import { registerPush, unregisterPush } from './devices/register-push.ts';
import { readSignOut, signOut } from './devices/sign-out.ts';
import { eraseContent } from './erasures/erase-content.ts';
import { createEraseContentJob } from './erasures/erase-content-job.ts';
import { eraseUser } from './erasures/erase-user.ts';
import { createEraseUserJob } from './erasures/erase-user-job.ts';
import type { ErasureSecret } from './erasures/erasure-secret.ts';
import { isErased, listErased } from './erasures/list-erased.ts';
import { dropPartitions } from './expiry/drop-partitions.ts';
import { expire } from './expiry/expire.ts';
import type { ExpiryPolicy } from './expiry/expiry-policy.ts';
import { pruneRevisions, pruneSteps } from './expiry/prune-logs.ts';
import { readExport } from './exports/read-export.ts';
import { readEventsBetween } from './feed/events-between.ts';
import { pruneEvents } from './feed/prune-events.ts';
import type { BusinessSends } from './inbox/business-sends.ts';
import { listInbox } from './inbox/list-inbox.ts';
import { readHead } from './inbox/read-head.ts';
import { readNewest } from './inbox/read-newest.ts';
import type { JobKinds } from './jobs/job-kind.ts';
import { claimJobs, getJob, noteProblem } from './jobs/jobs.ts';
import { stepJob } from './jobs/step-job.ts';
import { deleteMessage } from './messages/delete-message.ts';
import { editMessage } from './messages/edit-message.ts';
import { getMessage, locateMessage } from './messages/find-message.ts';
import { readHistory } from './messages/history.ts';
import { react } from './messages/react.ts';
import { readUndelivered } from './messages/undelivered.ts';
import { createClaimOutbox } from './outbox/claim-outbox.ts';
import { createOutboxDone, selectOwed } from './outbox/outbox-done.ts';
import { writeMissed } from './outbox/outbox-missed.ts';
import { listPositions } from './positions/list-positions.ts';
import { readUpTo } from './positions/read.ts';
import type { ReadCommit } from './positions/read-commit.ts';
import { readBadges } from './push/push-badges.ts';
import { settlePush } from './push/push-devices.ts';
import { readPushFacts } from './push/push-facts.ts';
import type { RecordErasure } from './reapply/erasure-record.ts';
import { recordFirst } from './reapply/record-first.ts';
import { createParticipantsReader } from './records/participants-reader.ts';

type Deps = {
  db: Kysely<Database>;
  pool: Pool;
  ciphers: ContentCiphers;
  addresses: AddressCipher;
  group: GroupCommit;
  businessSends: BusinessSends;
  editWindowMs: number;
  policy: ExpiryPolicy;
  reads: ReadCommit;
  presences: AgentPresences;
  secret: ErasureSecret;
  redis: Redis | undefined;
  recordErasure: RecordErasure;
  /** An erasure waits so long for what routers have read. The default is 30 s. */
  settledMs?: number | undefined;
  timesAhead: TimesAhead;
  chatLists?: ChatListCache | undefined;
  metrics: Metrics;
  logger: Logger;
  events?: DurableEvents | undefined;
};

export type Operations = {
  [Op in keyof StoreOps]: (
    request: StoreOps[Op][0],
    deadlineAt: number,
  ) => Promise<StoreOps[Op][1]>;
};

/** The table has every operation that is served as `rpc.store.<operation>`. */
export function createOperations(deps: Deps): Operations {
  const { db, pool } = deps;
  const outbox = createOutboxDone(pool);
  const readParticipants = createParticipantsReader(db);
  return {
    'messages.append': createAppend({ ...deps, readParticipants }),
    'messages.history': (request) => {
      assertUuids(request.user_id, request.conversation_id);
      return readHistory(deps, request);
    },
    'messages.undelivered': (request) => readUndelivered(deps, request),
    'messages.locate': (request) => {
      assertUuids(request.user_id, request.message_id);
      return locateMessage(db, request);
    },
    'messages.get': (request) => {
      assertUuids(request.user_id, request.message_id);
      return getMessage(deps, request);
    },
    'messages.edit': (request) => editMessage(deps, request),
    'messages.delete': (request) => deleteMessage(deps, request),
    'messages.react': (request) => react(deps, request),
    'conversations.create': (request) => createConversation(deps, request),
    'conversations.get': async (request) => {
      assertUuids(request.user_id, request.conversation_id);
      return { record: await getConversation(deps, request) };
    },
    'conversations.list': createListConversations(deps),
    'conversations.participants': async ({ conversation_id }) => {
      assertUuids(conversation_id);
      return readParticipants(conversation_id);
    },
    'contacts.shared': (request) => listSharedContacts(db, request),
    'contacts.list': (request) => listContacts(db, request),
    'conversations.change': (request) => {
      assertUuids(request.user_id, request.conversation_id);
      return changeConversation(deps, request);
    },
    'positions.read': async ({ reads }, deadlineAt) => ({
      results: await readUpTo(deps, reads, deadlineAt),
    }),
    'positions.list': async ({ conversation_ids }) => {
      assertUuids(...conversation_ids);
      return { conversations: await listPositions(pool, conversation_ids) };
    },
    'outbox.claim': createClaimOutbox(deps),
    'outbox.owed': ({ event_ids }) => selectOwed(db, event_ids),
    'outbox.done': ({ event_ids }) => outbox.done(event_ids),
    'outbox.missed': ({ items }) => writeMissed(pool, items),
    'events.between': (request) => readEventsBetween(deps, request),
    'events.prune': ({ limit }) => pruneEvents(pool, limit),
    'users.export': async (request) => {
      assertUuids(request.user_id);
      const { is_erased: isGone } = await isErased(deps, request.user_id);
      return isGone ? { items: [], next_cursor: null } : readExport(deps, request);
    },
    'partitions.ensure': ({ weeks_ahead }) => ensurePartitions(db, weeks_ahead),
    ...createDeviceOperations(deps),
    ...createExpiryOperations(deps),
    ...createBusinessOperations(deps),
    ...createErasureOperations(deps),
  };
}

/** These operations concern the devices of users, and the pushes to them. */
function createDeviceOperations(deps: Deps) {
  const { db, pool } = deps;
  return {
    'devices.seen': createNoteSeen(deps),
    'devices.of': async ({ user_id }) => {
      assertUuids(user_id);
      return readDevices(pool, user_id);
    },
    'devices.list': async ({ user_id }) => {
      assertUuids(user_id);
      return listDevices(db, user_id);
    },
    'devices.sign_out': (request) => signOut(deps, request),
    'devices.signed_out': (request) => readSignOut(db, request),
    'devices.prune': ({ limit }) => pruneDevices(pool, limit),
    'push.register': async (request) => {
      await registerPush(deps, request);
      return undefined;
    },
    'push.unregister': async (request) => {
      await unregisterPush(db, request);
      return undefined;
    },
    'push.facts': ({ questions }) => readPushFacts(deps, questions),
    'push.badges': async ({ user_ids }) => {
      assertUuids(...user_ids);
      return readBadges(deps, user_ids);
    },
    'push.settle': async (request) => {
      await settlePush(deps, request);
      return undefined;
    },
  } satisfies Partial<Operations>;
}

/** These operations erase, which is long work, and tell who was erased. */
function createErasureOperations(deps: Deps) {
  const { db } = deps;
  const kinds: JobKinds = {
    erase_user: recordFirst(deps, createEraseUserJob(deps)),
    erase_content: recordFirst(deps, createEraseContentJob(deps)),
  };
  return {
    'users.erase': async (request) => {
      assertUuids(request.user_id);
      return eraseUser(deps, request);
    },
    'conversations.erase_content': async (request) => {
      assertUuids(request.conversation_id);
      return eraseContent(db, request);
    },
    'users.erased': (request) => listErased(deps, request),
    'users.is_erased': async ({ user_id }) => {
      assertUuids(user_id);
      return isErased(deps, user_id);
    },
    'jobs.get': ({ job_id }) => getJob(db, job_id),
    'jobs.claim': (request) => claimJobs(db, request),
    'jobs.step': (request) => stepJob({ db, kinds }, request),
    'jobs.problem': (request) => noteProblem(db, request),
  } satisfies Partial<Operations>;
}

/** These operations let go what is old. */
function createExpiryOperations(deps: Deps) {
  return {
    'retention.expire': (request) => expire(deps, request),
    'retention.drop': (request) => dropPartitions(deps, request),
    'revisions.prune': ({ limit }) => pruneRevisions(deps, limit),
    'steps.prune': ({ limit }) => pruneSteps(deps, limit),
  } satisfies Partial<Operations>;
}

/** These operations concern businesses, their agents, and what waits for them. */
function createBusinessOperations(deps: Deps) {
  const { db } = deps;
  return {
    'businesses.get': (request) => getSettings(db, request),
    'businesses.agents': (request) => listAgents(db, request),
    'businesses.openings': ({ business_ids }) => readOpenings(db, business_ids),
    'inbox.list': (request) => listInbox(deps, request),
    'inbox.newest': (request) => readNewest(deps, request),
    'inbox.head': (request) => readHead(db, request),
    'assignment.claim': (request) => claimPlans(deps, request),
    'assignment.read': (request) => readPlans(deps, request),
    'assignment.done': (request) => endLease(db, request),
    'assignment.sweep': (request) => sweepBusinesses(deps, request),
    'assignment.finds': (request) => findLeft(deps, request),
    'businesses.set_settings': (request) => setSettings(db, request),
    'businesses.set_agents': (request) => setAgents(deps, request),
    'businesses.set_agent': (request) => setAgent(deps, request),
    'businesses.remove_agent': (request) => removeAgent(deps, request),
    'businesses.set_status': createSetStatus(deps),
    'agents.presence': (request) => notePresence(deps, request),
  } satisfies Partial<Operations>;
}

function assertUuids(...ids: unknown[]): void {
  if (!ids.every(isUuidV4)) throw new KahaError('INVALID_REQUEST', 'Not an id');
}
