import type { Consumer, JsMsg, NatsConnection } from 'nats';
import { KahaError } from '../errors.ts';
import type { Logger } from '../process/logger.ts';
import { pull } from './pull.ts';

export type ConsumeOptions = {
  stream: string;
  durable: string;
  batchMax: number;
  /** Carries out a batch. `startConsumer` says what becomes of a batch whose handler throws. */
  handle: (messages: JsMsg[]) => Promise<void>;
};

const HEAL_DELAY_MS = 1_000;
const RETRY_DELAY_MS = 2_000;

/**
 * Starts the one consume loop of the project, which pulls batches and gives each to the handler.
 * The loop acknowledges a batch that the handler has carried out. If the handler throws an error
 * that `shared/errors` calls retryable, NATS delivers the batch again 2 s later. After any other
 * error the loop gives the handler each message alone, and logs and terminates the one that still
 * fails. A loop whose pull fails looks its consumer up again after 1 s.
 */
export function startConsumer(
  deps: { nc: NatsConnection; logger: Logger },
  options: ConsumeOptions,
): { close(): Promise<void> } {
  const { nc, logger } = deps;
  const { stream, durable, batchMax } = options;
  let closing = false;

  const settle = async (messages: JsMsg[]): Promise<void> => {
    try {
      await options.handle(messages);
      for (const message of messages) message.ack();
    } catch (thrown) {
      if (KahaError.from(thrown).isRetryable) {
        logger.warn({ stream, err: thrown, count: messages.length }, 'batch put back');
        for (const message of messages) message.nak(RETRY_DELAY_MS);
      } else if (messages.length > 1) {
        for (const message of messages) await settle([message]);
      } else {
        logger.error({ stream, err: thrown }, 'poison message dropped');
        messages[0]?.term();
      }
    }
  };
  const loop = async (): Promise<void> => {
    let consumer: Consumer | undefined;
    while (!closing && !nc.isClosed()) {
      try {
        consumer ??= await nc.jetstream().consumers.get(stream, durable);
        const messages = await pull(consumer, batchMax);
        if (messages.length > 0) await settle(messages);
      } catch (error) {
        if (closing || nc.isClosed()) return;
        logger.warn({ stream, err: error }, 'consumer heals');
        consumer = undefined;
        await new Promise((resolve) => setTimeout(resolve, HEAL_DELAY_MS));
      }
    }
  };
  const running = loop();
  return {
    async close() {
      closing = true;
      await running;
    },
  };
}
