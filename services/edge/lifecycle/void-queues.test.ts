import { mock } from 'node:test';
import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { Session } from '../session/session.ts';
import { VoidQueues } from './void-queues.ts';

function rig(t: { teardown(end: () => unknown): void }) {
  mock.timers.enable({ apis: ['setInterval'] });
  const replaced: Session[] = [];
  const voids = new VoidQueues({
    queues: { replaceVoid: async (session) => void replaced.push(session) },
  });
  t.teardown(() => {
    voids.close();
    mock.timers.reset();
  });
  const add = (changes: Partial<Session> = {}): Session => {
    const userId = newId<UserId>();
    const session = Object.assign(new Session(0), { state: 'open', userId, epoch: 1, ...changes });
    voids.add(session, userId);
    return session;
  };
  return { voids, replaced, add };
}

t.test('queues are replaced at once, and at most 200 a second', async (t) => {
  const { voids, replaced, add } = rig(t);
  const sessions = Array.from({ length: 250 }, () => add());
  t.equal(replaced.length, 20);
  t.equal(voids.waiting, 230);
  mock.timers.tick(900);
  t.equal(replaced.length, 200);
  mock.timers.tick(1_000);
  t.same(replaced, sessions);
  const late = add();
  t.equal(replaced.at(-1), late);
});

t.test('a session waits once, however often it is told', async (t) => {
  const { voids, replaced, add } = rig(t);
  for (let n = 0; n < 20; n += 1) add();
  const session = add();
  voids.add(session, session.userId as UserId);
  t.equal(voids.waiting, 1);
  mock.timers.tick(100);
  t.equal(replaced.filter((one) => one === session).length, 1);
});

t.test('a session that ended or got a new queue while it waited is left alone', async (t) => {
  const { replaced, add } = rig(t);
  for (let n = 0; n < 20; n += 1) add();
  const [ended, renewed] = [add(), add()];
  ended.state = 'closed';
  renewed.epoch = 2;
  mock.timers.tick(1_000);
  t.equal(replaced.length, 20);
});

t.test('a session whose queue is being opened only notes that it was told', async (t) => {
  const { voids, replaced, add } = rig(t);
  const [opening, reopening] = [add({ state: 'opening' }), add({ isReopening: true })];
  t.ok(opening.isVoidTold && reopening.isVoidTold);
  t.equal(voids.waiting, 0);
  t.same(replaced, []);
});
