import { KahaError } from '../../../shared/errors.ts';
import { isUuidV4 } from '../../../shared/ids.ts';
import { MessageBody, metadataProblem } from '../../../shared/protocol/message-input.ts';
import { MessageSentShape } from '../../../shared/protocol/shapes.ts';
import type { Messages } from '../api/messages.ts';
import { ConversationParams, Nothing } from './fields.ts';
import { defineRoute, type Route } from './route.ts';

const CREATED = 201;
const DUPLICATE = 200;

export function messageCreateRoute(messages: Messages): Route {
  return defineRoute({
    method: 'POST',
    path: '/conversations/:conversation_id/messages',
    summary: 'Sends a message, once for each client_msg_id',
    cost: 'send',
    params: ConversationParams,
    query: Nothing,
    body: MessageBody,
    hasIdempotencyKey: true,
    response: MessageSentShape,
    statuses: { [CREATED]: 'Sent', [DUPLICATE]: 'Sent before; the first one is shown' },
    async handle({ userId, params, body, idempotencyKey, trace }) {
      const problem = metadataProblem(body.metadata);
      if (problem !== undefined) throw new KahaError('INVALID_REQUEST', problem);
      const client_msg_id = keyOf(body, idempotencyKey);
      const { conversation_id } = params;
      const input = { user_id: userId, conversation_id, ...body, client_msg_id };
      const sent = await messages.send(input, { trace });
      return { status: sent.duplicate === true ? DUPLICATE : CREATED, body: sent };
    },
  });
}

function keyOf(body: MessageBody, header: string): string {
  const inBody = body.client_msg_id;
  if (header === '') {
    if (inBody !== undefined) return inBody;
    throw new KahaError('INVALID_REQUEST', 'client_msg_id or Idempotency-Key is required');
  }
  if (!isUuidV4(header)) {
    throw new KahaError('INVALID_REQUEST', 'Idempotency-Key: must be a lower-case UUID v4');
  }
  if (inBody !== undefined && inBody !== header) {
    throw new KahaError('INVALID_REQUEST', 'client_msg_id and Idempotency-Key differ');
  }
  return header;
}
