/** The server closes sockets with these codes. */
export const CLOSE = {
  goingAway: 4000,
  serverError: 4001,
  tokenExpired: 4005,
  slowReader: 4008,
  noHeartbeat: 4012,
  noAcknowledgement: 4013,
  badToken: 4500,
  tooManyBadFrames: 4501,
  authTimeout: 4502,
  signedOut: 4503,
  tooManyDevices: 4504,
  replaced: 4505,
} as const;

const REFUSED_MIN = 4500;
const REFUSED_MAX = 4999;

/** Tells whether a client must not come back after this code until something has changed. */
export function isRefusal(code: number): boolean {
  return code >= REFUSED_MIN && code <= REFUSED_MAX;
}
