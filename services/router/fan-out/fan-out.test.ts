import { mock } from 'node:test';
import t from 'tap';
import { type ConversationId, type EventId, newId, type UserId } from '../../../shared/ids.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import { FanOut } from './fan-out.ts';

mock.timers.enable({ apis: ['Date'] });
t.teardown(() => mock.timers.reset());

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const userId = newId<UserId>();

/** Fans out an event, and returns how often the user's devices are told of their queues. */
async function signalsOf({
  isOffered,
  storedAfterMs,
}: {
  isOffered: boolean;
  storedAfterMs: number;
}) {
  let signals = 0;
  const fanOut = new FanOut({
    offer: () => (isOffered ? Promise.resolve(false) : undefined),
    publish: async () => mock.timers.tick(storedAfterMs),
    signalQueued: () => {
      signals += 1;
    },
    publishLive: () => undefined,
    voidDeep: () => Promise.resolve(),
    metrics: createRouterMetrics(createMetrics('router', 'router-1')),
    logger,
  });
  const facts = { kind: 'message' as const, at: '', conversation_id: newId<ConversationId>() };
  const event = { eventId: newId<EventId>(), payload: new Uint8Array(), facts };
  t.same(await fanOut.deliver({ ...event, userIds: [userId] }).settled, []);
  return signals;
}

t.test('a device that refused an event is told of it only if its queue has it late', async (t) => {
  t.equal(await signalsOf({ isOffered: true, storedAfterMs: 50 }), 0);
  t.equal(await signalsOf({ isOffered: true, storedAfterMs: 51 }), 1);
});

t.test('devices are told of an event that goes to their queues without an offer', async (t) => {
  mock.timers.tick(1_000);
  t.equal(await signalsOf({ isOffered: false, storedAfterMs: 0 }), 1);
});
