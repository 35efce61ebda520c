import { mock } from 'node:test';
import t from 'tap';
import type { QueuesCheck, QueuesChecked } from '../../../shared/contracts/router-ops.ts';
import { KahaError } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createEdgeMetrics } from '../edge-metrics.ts';
import { Session } from '../session/session.ts';
import { QueueChecks } from './queue-checks.ts';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function openSession(changes: Partial<Session> = {}): Session {
  const userId = newId<UserId>();
  const stream = { isOpen: true } as never;
  return Object.assign(new Session(0), { state: 'open', userId, epoch: 1, stream, ...changes });
}

/** Sets up an edge with these sessions. A test says what a router answers to each check. */
function rig(t: { teardown(end: () => unknown): void }, sessions: Session[]) {
  mock.timers.enable({ apis: ['setTimeout'] });
  const asked: QueuesCheck[] = [];
  const voided: Session[] = [];
  const answers: (() => QueuesChecked | Promise<QueuesChecked>)[] = [];
  const told: string[] = [];
  const bus = {
    connected: true,
    publish(subject: string) {
      told.push(subject);
      return true;
    },
  };
  const checks = new QueueChecks({
    bus,
    hub: { sessions: new Set(sessions) },
    routers: {
      async ask(_op: string, request: object) {
        asked.push(request as QueuesCheck);
        return (answers.shift()?.() ?? { unknown: [], unsaid: [] }) as never;
      },
    },
    voids: { add: (session) => void voided.push(session) },
    metrics: createEdgeMetrics(createMetrics('test', 'edge-1')),
  });
  t.teardown(async () => {
    await checks.close();
    mock.timers.reset();
  });
  /** Lets the time pass in steps that are shorter than any gap between checks. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 100) {
      mock.timers.tick(100);
      await settled();
    }
  };
  return { bus, checks, asked, told, voided, answers, pass };
}

const namesOf = (sessions: Session[]) =>
  sessions.map(({ userId, deviceId }) => [userId, deviceId] as const);

t.test('each open session is asked for in a pass of a minute and a half at most', async (t) => {
  const sessions = Array.from({ length: 1_200 }, () => openSession());
  const { asked, pass } = rig(t, sessions);
  await pass(90_000);
  const devices = asked.flatMap((check) => check.devices);
  t.same(devices.slice(0, 1_200), namesOf(sessions));
  t.ok(asked.length >= 3 && asked.length <= 9, `${asked.length} checks`);
  t.ok(
    asked.every((check) => check.devices.length <= 500),
    'a check has at most 500 devices',
  );
});

t.test('all open sessions are asked for within 5 s after a reconnect', async (t) => {
  const sessions = Array.from({ length: 1_200 }, () => openSession());
  const { checks, asked, pass } = rig(t, sessions);
  checks.reconnected();
  await pass(5_100);
  t.same(
    asked.flatMap((check) => check.devices),
    namesOf(sessions),
  );
});

t.test('other edges are told of each session once after a reconnect, and not before', async (t) => {
  const sessions = Array.from({ length: 1_200 }, () => openSession());
  const { checks, answers, told, asked, pass } = rig(t, sessions);
  await pass(90_000);
  t.same(told, []);
  const before = asked.length;
  checks.reconnected();
  answers.push(() => ({ cannot_say: true }));
  await pass(5_100 + 1_600);
  t.ok(asked.length > before);
  t.same(
    told,
    sessions.map(({ userId }) => `user.${userId}`),
  );
});

t.test('only the sessions whose queue no router knows are void', async (t) => {
  const sessions = Array.from({ length: 3 }, () => openSession());
  const { checks, answers, voided, pass } = rig(t, sessions);
  answers.push(() => ({ unknown: [0, 2], unsaid: [] }));
  checks.reconnected();
  await pass(5_100);
  t.same(voided, [sessions[0], sessions[2]]);
});

t.test('a session that opens, ends or gets a new queue is not asked for', async (t) => {
  const relying = openSession();
  const { checks, asked, pass } = rig(t, [
    openSession({ state: 'connected', userId: undefined }),
    openSession({ state: 'opening' }),
    openSession({ state: 'closed' }),
    openSession({ isReopening: true }),
    openSession({ stream: { isOpen: false } as never }),
    relying,
  ]);
  checks.reconnected();
  await pass(5_100);
  t.same(
    asked.map(({ devices }) => devices),
    [namesOf([relying])],
  );
});

t.test('a session that got another queue while a router looked is not void', async (t) => {
  const changes: ((session: Session) => void)[] = [
    (session) => Object.assign(session, { epoch: 2 }),
    (session) => Object.assign(session, { isReopening: true }),
    (session) => Object.assign(session, { stream: { isOpen: false } }),
    (session) => Object.assign(session, { state: 'closed' }),
  ];
  for (const change of changes) {
    const session = openSession();
    const { checks, answers, voided, asked, pass } = rig(t, [session]);
    answers.push(() => {
      change(session);
      return { unknown: [0], unsaid: [] };
    });
    checks.reconnected();
    await pass(5_100);
    t.equal(asked.length, 1);
    t.same(voided, []);
    mock.timers.reset();
  }
});

t.test('the same sessions are asked for again until a router can say', async (t) => {
  const session = openSession();
  const { bus, checks, answers, asked, voided, pass } = rig(t, [session]);
  bus.connected = false;
  checks.reconnected();
  await pass(5_100);
  t.same(asked, [], 'nobody is asked while NATS is away');
  bus.connected = true;
  answers.push(
    () => ({ cannot_say: true }),
    () => Promise.reject(new KahaError('MESSAGING_UNAVAILABLE', 'no router')),
    () => Promise.reject(new KahaError('TIMEOUT', 'frozen')),
    () => ({ unknown: [0], unsaid: [] }),
  );
  await pass(7_000);
  t.same(voided, [session]);
  t.equal(asked.length, 4);
});

t.test('only those about whom nothing was said are asked for again', async (t) => {
  const sessions = Array.from({ length: 3 }, () => openSession());
  const { checks, answers, asked, voided, pass } = rig(t, sessions);
  answers.push(
    () => ({ unknown: [0], unsaid: [1] }),
    () => ({ unknown: [0], unsaid: [] }),
  );
  checks.reconnected();
  await pass(7_000);
  t.same(voided, sessions.slice(0, 2));
  t.same(
    asked.map(({ devices }) => devices),
    [namesOf(sessions), namesOf(sessions.slice(1, 2))],
  );
});

t.test('an edge goes on without the answer of a router of the version before', async (t) => {
  const sessions = Array.from({ length: 501 }, () => openSession());
  const { checks, answers, asked, voided, pass } = rig(t, sessions);
  answers.push(() => Promise.reject(new KahaError('INVALID_REQUEST', 'Unknown operation')));
  checks.reconnected();
  await pass(5_100);
  t.same(
    asked.map(({ devices }) => devices.length),
    [500, 1],
    'the first 500 wait for the next pass',
  );
  t.same(voided, []);
});

t.test('a reconnect begins a new pass, whatever a check under way brings', async (t) => {
  const session = openSession();
  const { checks, answers, asked, voided, pass } = rig(t, [session]);
  let answerLate = (_checked: QueuesChecked): void => undefined;
  const late = new Promise<QueuesChecked>((resolve) => {
    answerLate = resolve;
  });
  answers.push(
    () => late,
    () => ({ unknown: [0], unsaid: [] }),
  );
  checks.reconnected();
  await pass(5_100);
  checks.reconnected();
  answerLate({ cannot_say: true });
  await pass(5_100);
  t.same(voided, [session]);
  t.equal(asked.length, 2);
});
