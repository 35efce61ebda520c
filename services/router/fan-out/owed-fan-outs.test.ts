import t from 'tap';
import { type EventId, newId, type UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import type { Delivery, FanOut } from './fan-out.ts';
import { OutboxDone } from './outbox-done.ts';
import { OutboxRepair } from './outbox-repair.ts';
import { OwedFanOuts } from './owed-fan-outs.ts';

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const [ann, bob] = [newId<UserId>(), newId<UserId>()];

/** On this stage each rescue claims one event, which is owed to both users. */
function stage() {
  const metrics = createRouterMetrics(createMetrics('router', 'router-1'));
  const eventId = newId<EventId>();
  const conversation_id = newId();
  const record = { conversation_id, created_at: new Date().toISOString() };
  const entry = {
    ...{ event_id: eventId, conversation_id, kind: 'conversation', change: 'created', version: 1 },
    ...{ user_ids: [ann, bob], records: { [ann]: record, [bob]: record } },
  };
  let claims = 0;
  const store = (async (op: string) => {
    if (op !== 'outbox.claim') return {};
    claims += 1;
    return { entries: claims === 1 ? [entry] : [] };
  }) as unknown as AskStore;
  const asked: (readonly UserId[])[] = [];
  const ends: ((missed: UserId[]) => void)[] = [];
  const bring = ({ userIds }: Delivery): Promise<UserId[]> => {
    asked.push(userIds);
    return new Promise((resolve) => ends.push(resolve));
  };
  const fanOut = { deliver: bring, requeue: bring } as unknown as FanOut;
  const done = new OutboxDone({ store, metrics, logger });
  const voidQueues = async (): Promise<void> => undefined;
  const deps = { store, fanOut, done, voidQueues, isConnected: () => true, metrics, logger };
  const repair = new OutboxRepair(deps);
  const owed = new OwedFanOuts({ fanOut, done, repair, stillOwed: async (ids) => ids, metrics });
  const delivery: Delivery = { eventId, userIds: [ann, bob], payload: new Uint8Array() };
  const lose = (): void => {
    done.forget();
    repair.forget();
  };
  const end = async (missed: UserId[]): Promise<void> => {
    ends.shift()?.(missed);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const rescue = async (): Promise<void> => {
    claims = 0;
    repair.rescue([eventId]);
    while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve));
  };
  const close = (): Promise<unknown> => Promise.all([repair.close(), done.close()]);
  return { done, owed, delivery, asked, end, lose, rescue, close };
}

t.test('an event that all users have is done; a repair asks only the missed ones', async (t) => {
  const { done, owed, delivery, asked, end, rescue, close } = stage();
  owed.start(delivery);
  await end([bob]);
  t.equal(done.held, 0);
  await rescue();
  await end([]);
  t.same(asked, [[ann, bob], [bob]]);
  t.same(done.ids(), [delivery.eventId]);
  await close();
});

t.test('after a lost connection an event is owed to all its users again', async (t) => {
  const { done, owed, delivery, asked, end, lose, rescue, close } = stage();
  owed.start(delivery);
  lose();
  await end([]);
  t.equal(done.held, 0, 'a queue that took the event before may have lost it');
  await rescue();
  lose();
  await end([bob]);
  await rescue();
  await end([bob]);
  t.same(asked, [
    [ann, bob],
    [ann, bob],
    [ann, bob],
  ]);
  lose();
  await rescue();
  await end([]);
  t.same(asked.at(-1), [ann, bob], 'the second loss makes the event owed to both again');
  t.same(done.ids(), [delivery.eventId]);
  await close();
});
