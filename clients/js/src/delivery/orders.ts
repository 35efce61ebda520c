import {
  type Gap,
  gapOf,
  type Order,
  type OrderEffect,
  type OrderInput,
  takeInput,
  UNKNOWN_ORDER,
} from '../timeline/order.ts';
import { keepLast } from './keep-last.ts';

type Deps = {
  onEffect: (conversationId: string, effect: OrderEffect) => void;
  /** The conversation lacks messages. */
  onGap: (conversationId: string) => void;
};

type Orders = {
  /** The client has met these conversations. */
  ids(): readonly string[];
  gap(conversationId: string): Gap | undefined;
  take(conversationId: string, input: OrderInput): void;
  /** The user has left, so what waits for other messages is told without them. */
  leave(conversationId: string): void;
  clear(): void;
  /** Tells again what lacks messages. */
  findGaps(): void;
};

/** Keeps the order of each conversation, and carries out what it decides. */
export function createOrders({ onEffect, onGap }: Deps): Orders {
  const orders = new Map<string, Order>();
  const orderOf = (id: string): Order => orders.get(id) ?? UNKNOWN_ORDER;
  const findGap = (id: string): void => {
    if (gapOf(orderOf(id))) onGap(id);
  };
  return {
    ids: () => [...orders.keys()],
    gap: (id) => gapOf(orderOf(id)),
    take(id, input) {
      const { order, effects } = takeInput(orderOf(id), input);
      keepLast(orders, id, order);
      for (const effect of effects) onEffect(id, effect);
      findGap(id);
    },
    leave(id) {
      const gap = { afterSeq: 0, upToSeq: Number.POSITIVE_INFINITY };
      this.take(id, { is: 'filled', gap, messages: [], hasMore: false });
      orders.delete(id);
    },
    clear: () => orders.clear(),
    findGaps() {
      for (const id of orders.keys()) findGap(id);
    },
  };
}
