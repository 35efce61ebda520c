import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { Session } from '../session/session.ts';
import { QueueOpening } from './queue-opening.ts';

/** Opens the queue of a session anew. Returns what its stream was told. */
async function reopen(resumed: boolean) {
  const told: unknown[] = [];
  const stream = {
    abandon: () => told.push('abandon'),
    beginResync: (why: unknown) => told.push(why),
  };
  const session = Object.assign(new Session(0), { state: 'open', resumed: true, epoch: 1, stream });
  const queues = new QueueOpening({
    bus: { publish: () => true } as never,
    routers: { ask: async () => ({ resumed, epoch: 2 }) } as never,
    delivery: { start: (...[, , isNew]: unknown[]) => told.push({ isNew }) } as never,
    replay: { run: async () => undefined } as never,
    hub: { send: () => undefined, close: () => undefined } as never,
    epochs: { next: () => 2 } as never,
    logger: {} as never,
  });
  await queues.replaceVoid(session as never, newId<UserId>());
  return { told, resumed: session.resumed };
}

t.test('a reopening that finds its queue waits as for an old one, without marker', async (t) => {
  const { told, resumed } = await reopen(true);
  t.same(told, ['abandon', { isNew: false }, { expectsMarker: false }]);
  t.equal(resumed, false, 'the client was told that it may lack something');
});

t.test('a reopening that makes a queue awaits its marker', async (t) => {
  const { told, resumed } = await reopen(false);
  t.same(told, ['abandon', { isNew: true }, { expectsMarker: true }]);
  t.equal(resumed, false);
});
