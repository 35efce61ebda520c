/**
 * These are the limits of the wire contract. Sizes in bytes count UTF-8, and sizes in characters
 * count code points.
 */
export const LIMITS = {
  frameBytesMax: 64 * 1024,
  /** The server cuts a connection whose frame grows beyond this size. */
  frameCutBytes: 256 * 1024,
  bodyBytesMax: 64 * 1024,
  /** The body that replaces all agents of a business may be longer than others. */
  agentsBodyBytesMax: 128 * 1024,
  /** A URL has at most this much behind its `?`. */
  queryBytesMax: 1024,
  /** The frame or body itself has depth 1. */
  jsonDepthMax: 8,
  contentCharactersMax: 8_000,
  metadataBytesMax: 4 * 1024,
  requestIdCharactersMax: 64,
  /** These are bytes, too, because a token is ASCII. */
  tokenCharactersMax: 8 * 1024,
  titleCharactersMax: 200,
  descriptionCharactersMax: 2_000,
  urlCharactersMax: 2_048,
  cursorCharactersMax: 256,
  pageLimitMax: 200,
  pageLimitDefault: 50,
  /** The caller counts too. */
  groupParticipantsMax: 8,
  /** A list of participants may hold this many ids, and repeated ids count. */
  participantIdsMax: 64,
  /** A day of a business's hours has at most this many intervals. */
  intervalsMax: 24,
  exceptionsMax: 400,
  timeZoneCharactersMax: 64,
  awayMessageCharactersMax: 1_000,
  agentsMax: 1_000,
  /** An agent has at most this many conversations at once. */
  capacityMax: 100,
  presenceIdsMax: 200,
  presenceUrlIdsMax: 25,
  /** One socket may watch this many users. */
  watchesMax: 1_000,
  /** One socket may watch the inboxes of this many businesses. */
  inboxWatchesMax: 20,
  badFramesMax: 10,
  badFramesWindowMs: 60_000,
  heartbeatIntervalMs: 15_000,
  heartbeatTimeoutMs: 30_000,
  authTimeoutMs: 5_000,
  tokenExpiringMs: 60_000,
  acknowledgeTimeoutMs: 60_000,
  /** A device queue pauses while this many of its events are not acknowledged. */
  unacknowledgedMax: 256,
  /** A replay has at most this many messages, and none that is older. */
  replayMessagesMax: 1_000,
  replayDaysMax: 7,
  /** A user has at most this many devices with a queue. */
  devicesMax: 10,
  /** A user makes at most this many new devices in the window. */
  newDevicesMax: 20,
  newDevicesWindowMs: 3_600_000,
  /** A user has at most this many devices that are registered for pushes. */
  registrationsMax: 20,
  /** A device asks for a new queue at most this many times in the window. */
  resyncsMax: 6,
  resyncsWindowMs: 60_000,
  /** A user opens at most this many sessions in the window. */
  sessionsMax: 60,
  sessionsWindowMs: 60_000,
  /** A session that said `is_typing: true` stops typing after this time. */
  typingMs: 5_000,
  /** A page of history has at most this many bytes as JSON. */
  pageBytesMax: 256 * 1024,
} as const;
