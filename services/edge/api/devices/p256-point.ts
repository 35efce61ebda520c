import { ECDH } from 'node:crypto';

/** An uncompressed point is this byte, and two numbers of 32 bytes. */
const UNCOMPRESSED = 0x04;
const POINT_BYTES = 65;

/** Tells whether the text is an uncompressed point of P-256 in base64url, as web push has it. */
export function isPointOfP256(text: string): boolean {
  const point = Buffer.from(text, 'base64url');
  if (point.length !== POINT_BYTES || point[0] !== UNCOMPRESSED) return false;
  if (point.toString('base64url') !== text) return false;
  try {
    ECDH.convertKey(point, 'prime256v1', undefined, undefined, 'compressed');
    return true;
  } catch {
    return false;
  }
}
