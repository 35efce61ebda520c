import type { LineEvent } from '../engine/line.ts';
import { fromWire } from '../errors.ts';
import type { Emitter } from '../events/emitter.ts';
import type { Conversation } from '../protocol/shapes.ts';
import type { Gap, OrderEffect, OrderInput, Ticket } from '../timeline/order.ts';
import type { ChatEvents } from './chat-events.ts';
import { keepLast } from './keep-last.ts';
import { createOrders } from './orders.ts';

type Deps = {
  emitter: Emitter<ChatEvents>;
  userId: () => string | undefined;
  /** The conversation lacks messages. */
  onGap: (conversationId: string) => void;
  /** Reads again what may have been missed, and resolves with the conversations that it found. */
  catchUp: () => Promise<Conversation[]>;
  /** The application has the event of this ticket. */
  onDone: (ticket: Ticket) => void;
};
type Tickets = readonly (Ticket | undefined)[];

type Delivery = {
  /** The client has met these conversations. */
  followed(): readonly string[];
  gap(conversationId: string): Gap | undefined;
  take(event: LineEvent, ticket?: Ticket): void;
  order(conversationId: string, input: OrderInput): void;
  clear(): void;
};

/**
 * Brings events to the application in their order, and tells when it has them. `replay_end` is done
 * once all that was missed is here: a client that dies before is told again.
 */
export function createDelivery({ emitter, userId, onGap, catchUp, onDone }: Deps): Delivery {
  /** The application was told these versions of conversations. */
  const versions = new Map<string, number>();
  /** The application is working on these messages. */
  const working = new Map<string, Promise<unknown>>();

  const done = (tickets: Tickets, work?: Promise<unknown>): void => {
    if (work) void work.then(() => done(tickets));
    else for (const ticket of tickets) if (ticket) onDone(ticket);
  };
  const tell = <Type extends keyof ChatEvents>(
    type: Type,
    event: ChatEvents[Type],
    tickets: Tickets,
  ): Promise<unknown> | undefined => {
    const work = emitter.emit(type, event);
    done(tickets, work);
    return work;
  };
  const carryOut = (id: string, effect: OrderEffect): void => {
    const { tickets } = effect;
    if (effect.tell === 'message') {
      const { message, isLate } = effect;
      const work = tell('message', { ...message, isLate }, tickets);
      const key = `${id} ${message.seq}`;
      if (work) working.set(key, work);
      void work?.then(() => working.delete(key));
    } else if (effect.tell === 'update') tell('message_updated', effect.update, tickets);
    // A repeat is not done before the application has finished with the first one.
    else done(tickets, working.get(`${id} ${effect.seq}`));
  };
  const orders = createOrders({ onEffect: carryOut, onGap });
  /** Returns false for a version that is not new. A user who has left waits for nothing there. */
  const meet = ({ conversation_id: id, version, ...conversation }: Conversation): boolean => {
    if (version <= (versions.get(id) ?? 0)) return false;
    keepLast(versions, id, version);
    const isIn = conversation.participants.some(({ user_id: other }) => other === userId());
    if (isIn) orders.take(id, { is: 'known', lastSeq: conversation.last_seq });
    else orders.leave(id);
    return true;
  };
  return {
    followed: orders.ids,
    gap: orders.gap,
    order: orders.take,
    clear() {
      orders.clear();
      versions.clear();
    },
    take(event, ticket) {
      const { type, q: _q, ...rest } = event as LineEvent & { q?: number };
      const told = rest as never;
      const tickets = [ticket];
      if (event.type === 'message') {
        orders.take(event.conversation_id, { is: 'message', message: told, ticket });
      } else if (event.type === 'message_updated') {
        orders.take(event.conversation_id, { is: 'update', update: told, ticket });
      } else if (event.type === 'replay_end') {
        void catchUp().then((conversations) => {
          const work = tell('caught_up', { conversations }, []);
          done(tickets, Promise.all([work, ...working.values()]));
        });
      } else if (event.type === 'error') tell('error', fromWire(event.error), tickets);
      else if (event.type !== 'conversation' || meet(event.conversation)) {
        tell(type as keyof ChatEvents, told, tickets);
      } else done(tickets);
      if (type === 'session') orders.findGaps();
    },
  };
}
