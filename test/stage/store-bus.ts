import type { AppendItem, AppendReply, AppendRequest } from '../../shared/contracts/append.ts';
import type { ConversationId, UserId } from '../../shared/ids.ts';
import { type Bus, connectBus } from '../../shared/nats/bus.ts';
import { createAskStore } from '../../shared/nats/rpc-clients.ts';
import { createLogger } from '../../shared/process/logger.ts';
import { createMetrics } from '../../shared/process/metrics.ts';
import type { System } from './stack.ts';

const TIMEOUT_MS = 3_000;

/** Connects to NATS as a router that no other process knows of, to ask the stores. */
export function connectAsRouter({ stack }: System): Promise<Bus> {
  const instance = 'router-9';
  return connectBus({
    ...{ url: stack.urls.nats, nkeySeed: stack.seeds.router ?? '', instance },
    metrics: createMetrics('test', instance),
    logger: createLogger({ service: 'test', instance, level: 'silent', hashKey: 'test' }),
  });
}

/** Asks store for one append of these messages. No fan-out follows. */
export function append(bus: Bus, conversation: string, items: AppendItem[]): Promise<AppendReply> {
  const request: AppendRequest = { conversation_id: conversation as ConversationId, items };
  return createAskStore(bus, TIMEOUT_MS)('messages.append', request);
}

export function itemOf(userId: string, clientMsgId: string, content: string): AppendItem {
  return { user_id: userId as UserId, client_msg_id: clientMsgId, content };
}
