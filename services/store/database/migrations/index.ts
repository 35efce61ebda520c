import type { Migration } from 'kysely';
import * as tables from './0001-tables.ts';
import * as appendMessages from './0002-append-messages.ts';
import * as messageChanges from './0004-message-changes.ts';
import * as businessContacts from './0006-business-contacts.ts';
import * as oneOutboxWriter from './0007-one-outbox-writer.ts';
import * as appendByOneWriter from './0008-append-messages.ts';
import * as changesByOneWriter from './0009-message-changes.ts';
import * as claims from './0010-claims.ts';
import * as pastEvents from './0011-past-events.ts';
import * as businesses from './0012-businesses.ts';
import * as businessConversations from './0013-business-conversations.ts';
import * as appendInSteps from './0014-append-messages.ts';
import * as owedToUsers from './0015-owed-to-users.ts';
import * as steps from './0016-steps.ts';
import * as sweep from './0017-sweep.ts';
import * as revisionKeys from './0019-revision-keys.ts';
import * as devices from './0020-devices.ts';
import * as appendByTheClock from './0021-append-messages.ts';
import * as conversationKeys from './0022-conversation-keys.ts';
import * as exports from './0023-exports.ts';
import * as visibleFrom from './0024-visible-from.ts';
import * as push from './0025-push.ts';
import * as erasures from './0026-erasures.ts';
import * as expiry from './0027-expiry.ts';
import * as erasureRecords from './0028-erasure-records.ts';

/**
 * Migrations run in the order of their names. A released migration never changes what it does.
 * Nobody wrote migrations 0003, 0005 and 0018, so their numbers are not missing files. A new
 * migration takes the number after the last, because Kysely refuses one that sorts before a
 * migration which the database already has.
 */
export const migrations: Record<string, Migration> = {
  '0001-tables': tables,
  '0002-append-messages': appendMessages,
  '0004-message-changes': messageChanges,
  '0006-business-contacts': businessContacts,
  '0007-one-outbox-writer': oneOutboxWriter,
  '0008-append-messages': appendByOneWriter,
  '0009-message-changes': changesByOneWriter,
  '0010-claims': claims,
  '0011-past-events': pastEvents,
  '0012-businesses': businesses,
  '0013-business-conversations': businessConversations,
  '0014-append-messages': appendInSteps,
  '0015-owed-to-users': owedToUsers,
  '0016-steps': steps,
  '0017-sweep': sweep,
  '0019-revision-keys': revisionKeys,
  '0020-devices': devices,
  '0021-append-messages': appendByTheClock,
  '0022-conversation-keys': conversationKeys,
  '0023-exports': exports,
  '0024-visible-from': visibleFrom,
  '0025-push': push,
  '0026-erasures': erasures,
  '0027-expiry': expiry,
  '0028-erasure-records': erasureRecords,
};

/** A store of this version serves only a database that has this migration. */
export const LATEST_MIGRATION = Object.keys(migrations).sort().at(-1) as string;
