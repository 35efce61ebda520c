import { ERRORS, type ErrorCode } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { RATES } from '../limits/user-limits.ts';
import { ERROR_NOTES } from './error-notes.ts';
import { bytes, duration, rate, table } from './quantities.ts';

/** These chapters stand in both documents, in Markdown. */

export const VALUES = `## Values

Ids are lower-case UUID v4. Times are ISO 8601 in UTC with milliseconds, such as
\`2026-11-21T10:00:00.000Z\`. An optional field without a value is absent. The server refuses
unknown fields. A client must ignore fields, events and values that it does not know, because
later versions may add some.`;

export const CLAIMS = `A user's token is a JWT (JWS, compact). The server reads these claims and
ignores others:

${table(
  ['claim', 'needed', 'meaning'],
  [
    ['`sub`', 'yes', "The user's id, a lower-case UUID v4."],
    ['`exp`', 'yes', 'The token ends then, in seconds since 1970.'],
    ['`nbf`', 'no', 'The token is refused before this time, less 60 s for clocks that differ.'],
    [
      '`iat`',
      'no',
      'The token was issued then, at most 60 s ahead of the clock of the server. One from before ' +
        'a device was signed out, or without `iat`, opens no session of that device any more.',
    ],
    ['`iss`', 'if `JWT_ISSUER` is set', 'The issuer must be that one.'],
    ['`aud`', 'if `JWT_AUDIENCE` is set', 'The audience must be that one, or a list that has it.'],
    ['`kid` (header)', 'with a key server', 'The key in the JWKS that signed the token.'],
  ],
)}

\`JWT_ALGORITHMS\` lists the allowed algorithms: by default \`RS256\` with \`JWT_JWKS_URL\`, and
\`HS256\` with \`JWT_SECRET\`. A token never stands in a URL.

A token has at most ${LIMITS.tokenCharactersMax} characters. A longer one is refused with 431 by
REST and at the upgrade, and in a frame it closes the socket 4500.

With a key server, a token whose key the server does not have is bad. While nobody can tell, the
token is refused for the moment with \`PROFILE_SERVICE_UNAVAILABLE\` and \`Retry-After\`, or the
socket is closed 4001: the server does not answer, or edge asked it within the last 5 s. An
\`auth\` that renews is then answered with that error, and the session goes on until its token
ends. Once the server has withdrawn a key, its tokens are bad, and their sessions are closed 4500
within a minute.`;

export const IDEMPOTENCY = `## Sending once

A client makes a UUID v4 for each message, the \`client_msg_id\`. Conversation, sender and
\`client_msg_id\` together name one message for as long as it is stored. If no answer comes, the
client sends the same message with the same \`client_msg_id\` again. The answer to a repeat has
the values of the first one and \`duplicate: true\`, whatever else the repeat says.`;

export const ERRORS_CHAPTER = `## Errors

An error is \`{"error": {"code", "message", "details"?, "retry_after"?}}\`, in answers over HTTP
and in frames. Programs look at \`code\`. \`message\` is for developers. \`retry_after\` is in
seconds and may be a fraction.

${table(
  ['code', 'HTTP', 'ask again', 'meaning', 'what to do'],
  Object.entries(ERROR_NOTES).map(([code, { meaning, advice }]) => {
    const { status, retryable } = ERRORS[code as ErrorCode];
    return [`\`${code}\``, String(status), retryable ? 'yes' : 'no', meaning, advice];
  }),
)}`;

export const LIMITS_CHAPTER = `## Limits

${table(
  ['what', 'limit', 'beyond it'],
  [
    ['A frame', bytes(LIMITS.frameBytesMax), '`PAYLOAD_TOO_LARGE`'],
    ['A frame, at the latest', bytes(LIMITS.frameCutBytes), 'The connection is cut.'],
    ['A body over HTTP', bytes(LIMITS.bodyBytesMax), '`PAYLOAD_TOO_LARGE` (413)'],
    ['Depth of JSON', `${LIMITS.jsonDepthMax}, the frame or body itself is 1`, '`INVALID_REQUEST`'],
    ['Content of a message', `${LIMITS.contentCharactersMax} code points`, '`INVALID_REQUEST`'],
    ['Metadata of a message', `${bytes(LIMITS.metadataBytesMax)} as JSON`, '`INVALID_REQUEST`'],
    [
      'A page',
      `${LIMITS.pageLimitMax} items (${LIMITS.pageLimitDefault} by default)`,
      '`INVALID_REQUEST`',
    ],
    ['A page of history', `${bytes(LIMITS.pageBytesMax)} as JSON`, 'The page is shorter.'],
    ['People in a group', String(LIMITS.groupParticipantsMax), '`CONFLICT`'],
    [
      'Ids in one question about presence',
      `${LIMITS.presenceIdsMax}, in a URL ${LIMITS.presenceUrlIdsMax}`,
      '`INVALID_REQUEST`',
    ],
    ['Users and businesses that a socket watches', String(LIMITS.watchesMax), '`INVALID_REQUEST`'],
    ['Inboxes that a socket watches', String(LIMITS.inboxWatchesMax), '`INVALID_REQUEST`'],
    [
      'Devices of a user',
      String(LIMITS.devicesMax),
      'The one away for longest loses its queue. If all are connected: closed 4504.',
    ],
    [
      'New devices of a user',
      `${LIMITS.newDevicesMax} in ${duration(LIMITS.newDevicesWindowMs)}`,
      'The device is closed 4504.',
    ],
    [
      'Sessions that a user opens',
      `${LIMITS.sessionsMax} in ${duration(LIMITS.sessionsWindowMs)}`,
      'The socket is closed 4001.',
    ],
    [
      'Times that a device asks for `resync`',
      `${LIMITS.resyncsMax} in ${duration(LIMITS.resyncsWindowMs)}`,
      'The socket is closed 4001.',
    ],
    [
      'Malformed frames',
      `${LIMITS.badFramesMax} in ${duration(LIMITS.badFramesWindowMs)}`,
      'The socket is closed 4501.',
    ],
  ],
)}

Numbers beyond ±(2^53-1), NUL and lone surrogates in strings, and the keys \`__proto__\`,
\`constructor\` and \`prototype\` are refused everywhere.

Rates count for each user on each server, over sockets and HTTP together. What is beyond a rate
is answered \`RATE_LIMITED\` with \`retry_after\`, but \`typing\` is dropped in silence.

${table(
  ['requests', 'rate'],
  [
    ['Sending, editing, deleting and reacting', rate(RATES.send)],
    ['Reads over HTTP', rate(RATES.read)],
    ['All other frames and calls', rate(RATES.other)],
    ['`ack` and `ping`', `${rate(RATES.free)}; what is beyond counts as other frames`],
  ],
)}`;
