import { KahaError } from '../errors.ts';

/** Services trust each other's shapes, not that a payload is JSON. */
export function parseJson(payload: Uint8Array): unknown {
  const { buffer, byteOffset, length } = payload;
  try {
    return JSON.parse(Buffer.from(buffer, byteOffset, length).toString('utf8'));
  } catch (error) {
    throw new KahaError('INVALID_REQUEST', 'The body is not JSON', { cause: error });
  }
}
