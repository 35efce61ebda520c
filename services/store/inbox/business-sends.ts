import { KahaError } from '../../../shared/errors.ts';
import type { BusinessId } from '../../../shared/ids.ts';
import type { Logger } from '../../../shared/process/logger.ts';
import { bytesOf } from '../append/append-batch.ts';
import type { AppendRow, SealedMessage } from '../append/append-writer.ts';
import { createConversationLanes } from '../append/conversation-lanes.ts';
import { PENDING_MAX, PendingSends } from '../append/pending-sends.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import { openDatabase } from '../database/database.ts';
import { createBusinessWriter } from './append-to-business.ts';

type Send = { message: SealedMessage; businessId: BusinessId; deadlineAt: number };

export type BusinessSends = {
  /** The promise resolves once the message is committed or judged; it rejects with a KahaError. */
  append(send: Send): Promise<AppendRow>;
  /** This many sends wait or are being written. */
  readonly pending: number;
  /** The promise resolves when every accepted send is settled. */
  idle(): Promise<void>;
  close(): Promise<void>;
};

type Options = {
  url: string;
  cipher: ContentCipher;
  logger: Logger;
  observe?: (rows: number, seconds: number) => void;
};

/**
 * This many conversations write at a time, each on a connection of its own that nothing else uses,
 * so sends that wait for locks take no connection from reads. A transaction takes about 5 ms.
 */
const LANES_MAX = 4;
/**
 * This many of them are of one business. They wait for each other anyway, because the row of their
 * inbox is the last that each of them locks. A second one gets ready meanwhile.
 */
const BUSINESS_LANES_MAX = 2;
/**
 * When so much is pending for one business, a further send to it is refused with
 * DATABASE_UNAVAILABLE: 1000 messages that open conversations take 1.6 s, and the deadline is 2 s.
 */
export const BUSINESS_PENDING_MAX = { sends: 1_000, bytes: 8 * 1024 * 1024 };

/**
 * Businesses take turns, so one that gets many messages delays no other. Sends of one conversation
 * that wait meanwhile share its next transaction.
 */
export function openBusinessSends({ url, cipher, logger, observe }: Options): BusinessSends {
  const { db, close } = openDatabase({ url, poolMax: LANES_MAX, logger });
  const lanes = createConversationLanes(createBusinessWriter({ db, cipher, logger }), {
    lanesMax: LANES_MAX,
    ownerLanesMax: BUSINESS_LANES_MAX,
    ...(observe && { observe }),
  });
  const all = new PendingSends(PENDING_MAX);
  const businesses = new Map<BusinessId, PendingSends>();
  return {
    async append({ message, businessId, deadlineAt }) {
      const bytes = bytesOf(message);
      const own = businesses.get(businessId) ?? new PendingSends(BUSINESS_PENDING_MAX);
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
        if (own.size === 0) businesses.delete(businessId);
      }
    },
    get pending() {
      return all.size;
    },
    idle: lanes.idle,
    close,
  };
}
