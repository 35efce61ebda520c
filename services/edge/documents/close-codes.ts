import { CLOSE } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { duration } from './quantities.ts';

/** A client reconnects by itself after the codes below this one, and after no other. */
const FINAL_CODES_FROM = 4_500;

const { badFramesMax, badFramesWindowMs, devicesMax, newDevicesMax } = LIMITS;

type CloseRow = { meaning: string; advice: string };

/** The documents say of each close code why the server closed, and what a client then does. */
const ROWS: Readonly<Record<keyof typeof CLOSE, CloseRow>> = {
  GOING_AWAY: {
    meaning: 'The server is about to end, and the client had not left by itself.',
    advice: 'Reconnect at once. Another server answers.',
  },
  SERVER_ERROR: {
    meaning: 'The server could not open or keep the session. A part that it needs is away.',
    advice: 'Reconnect after a growing pause.',
  },
  TOKEN_EXPIRED: {
    meaning: 'The token has ended, and no `auth` had renewed it.',
    advice: 'Fetch a new token, then reconnect.',
  },
  SLOW_READER: {
    meaning: 'The client reads more slowly than its events arrive.',
    advice: 'Reconnect, and read faster. The events that you did not acknowledge come again.',
  },
  NO_HEARTBEAT: {
    meaning: `The client sent no frame for ${duration(LIMITS.heartbeatTimeoutMs)}.`,
    advice: 'Reconnect, and send a frame in each interval of `auth_ok`.',
  },
  NO_ACKNOWLEDGEMENT: {
    meaning: `Events were due, and no \`ack\` came for ${duration(LIMITS.acknowledgeTimeoutMs)}.`,
    advice: 'Reconnect, and send `ack` for what the client has stored.',
  },
  BAD_TOKEN: {
    meaning:
      'The token is malformed, has ended, is signed with another key, names another user, or is ' +
      'from before its device was signed out.',
    advice: 'Fetch a new token first. Ask for a new login if the new token is refused too.',
  },
  TOO_MANY_BAD_FRAMES: {
    meaning: `More than ${badFramesMax} malformed frames came in ${duration(badFramesWindowMs)}.`,
    advice: 'Stop. The client has a bug, and a reconnect would repeat it.',
  },
  AUTH_TIMEOUT: {
    meaning: `No token came within ${duration(LIMITS.authTimeoutMs)} of the upgrade.`,
    advice: 'Reconnect once a token is at hand, and send it in the first frame.',
  },
  KICKED: {
    meaning: 'The device was signed out, or its user was erased.',
    advice: 'Forget the token and what is stored, and ask for a new login.',
  },
  TOO_MANY_DEVICES: {
    meaning: `${devicesMax} other devices are connected, or ${newDevicesMax} were new in an hour.`,
    advice: 'Tell the user. Reconnect when they ask for it, and keep one `device_id` a device.',
  },
  REPLACED: {
    meaning: 'A newer session of the same device has taken its place.',
    advice: 'Do not reconnect. Two clients with one `device_id` would replace each other for ever.',
  },
};

/** This list is `x-close-codes` of `/asyncapi.json`, for clients that are generated. */
export const CLOSE_CODES = Object.entries(CLOSE).map(([name, code]) => {
  const { meaning, advice } = ROWS[name as keyof typeof CLOSE];
  return { code, name, reconnect: code < FINAL_CODES_FROM, meaning, advice };
});
