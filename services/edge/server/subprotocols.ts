import { isDeviceId } from '../../../shared/ids.ts';

const SUBPROTOCOL = 'kaha.v1';
const BEARER = 'bearer.';
const DEVICE = 'device.';

export type Offer = {
  /** The edge answers with this subprotocol; it is undefined where none was offered. */
  chosen: string | undefined;
  token: string | undefined;
  deviceId: string | undefined;
};

/**
 * Reads `Sec-WebSocket-Protocol`. Returns a text that says what is wrong with a bad header (HTTP
 * 400).
 */
export function readOffer(header: string): Offer | string {
  const offer: Offer = { chosen: undefined, token: undefined, deviceId: undefined };
  if (header === '') return offer;
  for (const part of header.split(',')) {
    const name = part.trim();
    if (name === SUBPROTOCOL) {
      offer.chosen = SUBPROTOCOL;
    } else if (name.startsWith(BEARER)) {
      if (offer.token !== undefined) return 'more than one bearer subprotocol';
      offer.token = name.slice(BEARER.length);
    } else if (name.startsWith(DEVICE)) {
      if (offer.deviceId !== undefined) return 'more than one device subprotocol';
      offer.deviceId = name.slice(DEVICE.length);
      if (!isDeviceId(offer.deviceId)) return 'the device id is malformed';
    }
  }
  return offer.chosen === undefined ? `the subprotocol ${SUBPROTOCOL} was not offered` : offer;
}
