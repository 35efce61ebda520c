import { createHmac } from 'node:crypto';
import type { UserId } from './ids.ts';

const HASH_BYTES = 16;

/**
 * A user who was erased is known by this keyed hash alone. 16 bytes of HMAC-SHA256 let no other id
 * pass for the user's.
 */
export function erasedHash(secret: Buffer, userId: UserId): Buffer {
  return createHmac('sha256', secret).update(userId).digest().subarray(0, HASH_BYTES);
}
