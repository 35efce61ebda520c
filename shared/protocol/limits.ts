/** Sizes and counts of the wire contract. Bytes are UTF-8; characters are code points. */
export const LIMITS = {
  frameBytesMax: 64 * 1024,
  /** Above it the connection is cut before the frame is whole. */
  frameCutBytes: 256 * 1024,
  bodyBytesMax: 64 * 1024,
  /** The frame or body itself is depth 1. */
  jsonDepthMax: 8,
  contentCharactersMax: 8_000,
  metadataBytesMax: 4 * 1024,
  requestIdCharactersMax: 64,
  tokenCharactersMax: 16 * 1024,
  titleCharactersMax: 200,
  descriptionCharactersMax: 2_000,
  urlCharactersMax: 2_048,
  cursorCharactersMax: 2_048,
  pageLimitMax: 200,
  pageLimitDefault: 50,
  /** The caller included. */
  groupParticipantsMax: 8,
  /** What a list of participants may hold, repeats included. */
  participantIdsMax: 64,
  presenceIdsMax: 200,
  /** Of one socket. */
  watchesMax: 1_000,
  badFramesMax: 10,
  badFramesWindowMs: 60_000,
  heartbeatIntervalMs: 15_000,
  heartbeatTimeoutMs: 30_000,
  authTimeoutMs: 5_000,
  tokenExpiringMs: 60_000,
  acknowledgeTimeoutMs: 60_000,
} as const;
