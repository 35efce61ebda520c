import Type, { type TSchema } from 'typebox';
import { described } from '../../../shared/protocol/described.ts';
import { RequestIdField } from '../../../shared/protocol/scalars.ts';
import { serverFrames, typeField } from '../../../shared/protocol/server-frames.ts';
import type { FrameDoor } from '../api/doors.ts';
import type { Operation } from '../api/operation.ts';
import { ABOUT_SOCKET } from './about-socket.ts';
import { CLOSE_CODES } from './close-codes.ts';
import { EVENT_EXAMPLES } from './event-examples.ts';
import { EVENT_SUMMARIES } from './event-summaries.ts';
import { documentSchema, type Json, namedSchemas } from './schema-text.ts';

type Framed = { operation: Operation; door: FrameDoor };

const id = Type.Optional(RequestIdField);
const CHANNEL = '#/channels/socket';
/** The server sends these frames as answers. It sends all other frames unasked, as events. */
const ANSWERS: readonly string[] = ['reply', 'error', 'auth_ok', 'pong'];

/**
 * Describes the socket's frames as an AsyncAPI 3.0 document. The document is made from the tables
 * that the edge serves.
 */
export function asyncApiOf(operations: readonly Operation[]): Json {
  const frames = operations.flatMap((operation): Framed[] => {
    const { frame: door } = operation;
    return door === undefined ? [] : [{ operation, door }];
  });
  const messages = {
    ...Object.fromEntries(clientMessages(frames)),
    ...Object.fromEntries(replyMessages(frames)),
    ...Object.fromEntries(serverMessages()),
  };
  return {
    asyncapi: '3.0.0',
    info: { title: 'kaha-chat socket, kaha.v1', version: '1', description: ABOUT_SOCKET },
    'x-close-codes': CLOSE_CODES,
    defaultContentType: 'application/json',
    servers: {
      edge: { host: '{host}', protocol: 'wss', variables: { host: { default: 'localhost:8080' } } },
    },
    channels: {
      socket: {
        address: '/ws',
        description: 'Alias `/api/chat/ws`. Subprotocol `kaha.v1`.',
        messages: Object.fromEntries(
          Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
        bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
      },
    },
    operations: {
      ...Object.fromEntries(frames.map((frame) => [frame.door.type, operationOf(frame)])),
      ...Object.fromEntries(eventTypes().map((type) => [`event_${type}`, sending(type)])),
    },
    components: { messages, schemas: namedSchemas() },
  };
}

function operationOf({ operation, door }: Framed): Json {
  const { type, event, summary = operation.summary } = door;
  const reply = operation.answer === null ? event : `reply_${type}`;
  return receiving(type, summary, reply === undefined ? ['error'] : [reply, 'error']);
}

/** The document takes the server's side, so the action of a client's frame is `receive`. */
function receiving(type: string, summary: string, answers: readonly string[]): Json {
  return {
    action: 'receive',
    channel: { $ref: CHANNEL },
    summary,
    messages: [messageRef(`client_${type}`)],
    reply: { channel: { $ref: CHANNEL }, messages: answers.map(messageRef) },
  };
}

function sending(type: string): Json {
  const summary = EVENT_SUMMARIES[type as keyof typeof EVENT_SUMMARIES];
  return { action: 'send', channel: { $ref: CHANNEL }, summary, messages: [messageRef(type)] };
}

function eventTypes(): string[] {
  return Object.keys(serverFrames).filter((type) => !ANSWERS.includes(type));
}

function messageRef(name: string): Json {
  return { $ref: `${CHANNEL}/messages/${name}` };
}

function clientMessages(frames: readonly Framed[]): [string, Json][] {
  return frames.map(({ operation, door: { type, event } }) => {
    const fields = { type: typeField(type), id, ...operation.request.properties };
    const schema = Type.Object(fields, { additionalProperties: false });
    const isAnswered = operation.answer !== null || event !== undefined;
    const named = { type, ...(isAnswered && { id: 1 }), ...(operation.example.request as object) };
    return [`client_${type}`, messageOf(type, schema, [named])];
  });
}

function replyMessages(frames: readonly Framed[]): [string, Json][] {
  return frames.flatMap(({ operation: { answer, example }, door }): [string, Json][] => {
    if (answer === null) return [];
    const schema = Type.Object({
      type: typeField('reply'),
      id,
      data: described(answer, 'The operation answers with this value.'),
    });
    return [
      [
        `reply_${door.type}`,
        messageOf('reply', schema, [{ type: 'reply', id: 1, data: example.answer }]),
      ],
    ];
  });
}

function serverMessages(): [string, Json][] {
  const entries = Object.entries(serverFrames).filter(([type]) => type !== 'reply');
  return entries.map(([type, schema]) => {
    const examples = EVENT_EXAMPLES[type as keyof typeof EVENT_EXAMPLES];
    return [type, messageOf(type, schema, examples)];
  });
}

function messageOf(type: string, schema: TSchema, examples: readonly object[]): Json {
  const payload = documentSchema(schema);
  return { name: type, payload, examples: examples.map((example) => ({ payload: example })) };
}
