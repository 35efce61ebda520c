import { KahaError } from '../errors.ts';

/**
 * Parses a payload, and throws INVALID_REQUEST if it is not JSON. Services trust the shape of each
 * other's payloads, so nothing else is checked.
 */
export function parseJson(payload: Uint8Array): unknown {
  const { buffer, byteOffset, length } = payload;
  try {
    return JSON.parse(Buffer.from(buffer, byteOffset, length).toString('utf8'));
  } catch (error) {
    throw new KahaError('INVALID_REQUEST', 'The body is not JSON', { cause: error });
  }
}
