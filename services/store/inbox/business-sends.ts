import { type Bound, Budget } from '../../../shared/concurrency/budget.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { bytesOf } from '../append/append-batch.ts';
import type { AppendRow, SealedMessage } from '../append/append-writer.ts';
import { createConversationLanes } from '../append/conversation-lanes.ts';
import { PENDING_MAX } from '../append/pending-sends.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { StoreDatabase } from '../database/database.ts';
import { createBusinessWriter } from './append-to-business.ts';

type Send = { message: SealedMessage; businessId: BusinessId; deadlineAt: number };

export type BusinessSends = {
  /** The promise resolves once the message is committed or judged; it rejects with a KahaError. */
  append(send: Send): Promise<AppendRow>;
  /** This many sends wait or are being written. */
  readonly pending: number;
  /** The promise resolves when every accepted send is settled. */
  idle(): Promise<void>;
};

type Options = {
  /** So many conversations write at a time, each on a connection that nothing else uses. */
  database: StoreDatabase['businessSends'];
  ciphers: ContentCiphers;
  logger: Logger;
  observe?: (rows: number, seconds: number) => void;
};

/**
 * This many of the conversations that write are of one business. They wait for each other anyway,
 * because the row of their inbox is the last that each of them locks. A second one gets ready
 * meanwhile, if that leaves a connection to other businesses.
 */
const BUSINESS_LANES_MAX = 2;
/**
 * When so much is pending for one business, a further send to it is refused with
 * DATABASE_UNAVAILABLE: 1000 messages that open conversations take 1.6 s, and the deadline is 2 s.
 */
export const BUSINESS_PENDING_MAX: Bound = { count: 1_000, bytes: 8 * 1024 * 1024 };

/**
 * Businesses take turns, so one that gets many messages delays no other. Sends of one conversation
 * that wait meanwhile share its next transaction.
 */
export function createBusinessSends({
  database: { db, connectionsMax },
  ciphers,
  logger,
  observe,
}: Options): BusinessSends {
  const lanes = createConversationLanes(createBusinessWriter({ db, ciphers, logger }), {
    lanesMax: connectionsMax,
    ownerLanesMax: Math.min(BUSINESS_LANES_MAX, connectionsMax - 1),
    ...(observe && { observe }),
  });
  const all = new Budget(PENDING_MAX);
  const businesses = new Map<BusinessId, Budget>();
  return {
    async append({ message, businessId, deadlineAt }) {
      const bytes = bytesOf(message);
      const own = businesses.get(businessId) ?? new Budget(BUSINESS_PENDING_MAX);
      if (!own.hasRoom(bytes) || !all.hasRoom(bytes)) {
        throw new KahaError('DATABASE_UNAVAILABLE', 'Too many sends to businesses wait');
      }
      businesses.set(businessId, own);
      for (const pending of [own, all]) pending.add(bytes);
      try {
        return await new Promise((resolve, reject) => {
          lanes.push({ message, bytes, deadlineAt, resolve, reject }, businessId);
        });
      } finally {
        for (const pending of [own, all]) pending.remove(bytes);
        if (own.count === 0) businesses.delete(businessId);
      }
    },
    get pending() {
      return all.count;
    },
    idle: lanes.idle,
  };
}
