import { LIMITS } from '../../../shared/protocol/limits.ts';
import { CLOSE_CODES } from './close-codes.ts';
import { CLAIMS, ERRORS_CHAPTER, IDEMPOTENCY, LIMITS_CHAPTER, VALUES } from './common-chapters.ts';
import { duration, table } from './quantities.ts';

const AUTH_TIME = duration(LIMITS.authTimeoutMs);

/** `/asyncapi.json` tells with this text, in Markdown, what no schema can say. */
export const ABOUT_SOCKET = `JSON text frames go over one WebSocket. A client needs seven things:
it connects with a token, waits for \`auth_ok\`, sends a frame every
${duration(LIMITS.heartbeatIntervalMs)},
acknowledges the events that have \`q\`, ignores what it does not know, reads history again after
\`resumed: false\` or \`resync\`, and does what the close code says.

## Connecting

The socket is \`GET /ws\` (alias \`/api/chat/ws\`), on the same port as REST. The subprotocol is
\`kaha.v1\`. The token comes in one of three ways:

${table(
  ['way', 'device', 'a bad token'],
  [
    ['Header `Authorization: Bearer <jwt>` of the upgrade', 'Header `x-device-id`', 'HTTP 401'],
    [
      'Subprotocols `kaha.v1, bearer.<jwt>, device.<id>`; the server echoes `kaha.v1` alone',
      'Subprotocol `device.<id>`, which may be left out',
      'Closed 4500, because a browser sees no status',
    ],
    [
      `First frame \`{"type":"auth","token":"<jwt>","device_id":"phone-1"}\` within ${AUTH_TIME}`,
      'In the frame',
      'Closed 4500',
    ],
  ],
)}

A browser cannot set headers, so it uses the second or the third way, and its Origin must be one
of \`ALLOWED_ORIGINS\` (else HTTP 403). Bring the token with the upgrade where you can: a server
that is pressed lets in fewer of those who do not. The upgrade is answered 503 with
\`Retry-After\` where the server has no room. A browser hides that answer from its page, so a
plain \`GET\` of the same path is answered 503 with \`Retry-After\` too while there is no room.
Before \`auth_ok\` every other frame is answered \`UNAUTHENTICATED\`.

\`device_id\` has 1 to 64 letters, digits or \`-\`, and is \`default\` if it is left out. It
names the queue that keeps events while the device is away. Keep one for each installation, and
never share it: a new session of the same device closes the older one with 4505.

## Token

${CLAIMS}

${duration(LIMITS.tokenExpiringMs)} before the token ends, the event \`token_expiring\` comes.
Send \`auth\` with a new token of the same user then. The answer is \`auth_ok\`, and the session
goes on. Otherwise the socket is closed 4005 when the token ends.

## Heartbeat

The client sends any frame at least every ${duration(LIMITS.heartbeatIntervalMs)}
(\`heartbeat_interval_ms\` of \`auth_ok\`). \`ping\` is there for that, and its answer is
\`pong\`. A socket on which nothing came for ${duration(LIMITS.heartbeatTimeoutMs)} is closed
4012. A client takes a link on which no \`pong\` comes for dead, and reconnects.

## Requests and answers

A frame may have an \`id\`, a string or an integer that is unique among the requests in flight.
Exactly one \`reply\` or \`error\` with the same \`id\` comes back. A frame without an \`id\` is
answered by an \`error\` alone, and only if it fails. \`message\` is always answered, and its
answer has the \`client_msg_id\`. \`ack\` is never answered. \`auth\` and \`ping\` are answered
by \`auth_ok\` and \`pong\`.

## Events, q and ack

Events with \`q\` are durable: they wait in the queue of the device until the client acknowledges
them. \`q\` counts 1, 2, 3 … within a session. The frame \`{"type":"ack","q":7}\` says that
everything up to 7 is safe with the client, so send it after the events are stored or shown, not
before. One \`ack\` may cover many events. At ${LIMITS.unacknowledgedMax} events without an
acknowledgement the queue pauses, and after
${duration(LIMITS.acknowledgeTimeoutMs)} without one the socket is closed 4013. An event may
come again with another \`q\`, so drop repeats: a \`message\` by its \`message_id\`, a change by
its \`version\`. Events without \`q\` are live: they come once, and nobody keeps them.

The numbers \`seq\` order the messages of a conversation and have no gaps but for messages that
are gone for good. On a gap, read \`history\` with \`after_seq\`. Every device of every
participant gets an event, the device that caused it included. A client knows its own message by
the \`client_msg_id\`.

## Resume, replay and resync

\`auth_ok\` says \`resumed: true\` if the queue has every event since the device's last session.
They follow now, and the client needs to do nothing more.

\`resumed: false\` says that the queue is new. A replay follows: the messages of others that the
user has not received on any device, at most ${LIMITS.replayMessagesMax} and none older than
${LIMITS.replayDaysMax} days, as events \`message\`
without \`q\`, the oldest first. Then \`replay_end\` comes, numbered by \`q\` like the
events. Acknowledge it once the replayed messages are safe: they count as delivered then. Until
you have, each session of the device is told again.

A client that keeps messages lists \`conversations\` after the replay, reads \`history\` with
\`after_seq\` wherever \`last_seq\` is above what it has, and reads again what it shows.

The event \`resync\` may come at any time, and asks for the same: the queue has lost something. A
client that has lost its own state asks for it by \`auth\` with \`"resync": true\`.

${IDEMPOTENCY}

## Close codes

A client reconnects by itself after a code from 4000 to 4499, and after a connection that ended
without a code of this table. It waits a random time between 0 and a maximum that doubles from
0.5 to 20 seconds. After \`going_away\` it closes, and connects again after
\`reconnect_after_ms\`. After a code from 4500 on it does not reconnect until something has
changed.

${table(
  ['code', 'name', 'reconnect', 'meaning', 'what to do'],
  CLOSE_CODES.map(({ code, name, reconnect, meaning, advice }) => [
    String(code),
    `\`${name}\``,
    reconnect ? 'yes' : 'no',
    meaning,
    advice,
  ]),
)}

${VALUES}

${LIMITS_CHAPTER}

${ERRORS_CHAPTER}
`;
