import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { isSoak } from '../dev/testing/test-servers.ts';
import { until } from '../dev/testing/until.ts';
import type { Client, Frame, MessageEvent } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { type Person, type RestAnswer, setStack } from './stage/stack.ts';

/**
 * Routers and stores die by kill -9 while people write to a group and one participant comes and
 * goes.
 */
const system = await setStack(t, { edges: 2, routers: 2, stores: 2 });
const API = '/api/v1/conversations';
const VICTIMS = ['router-1', 'store-1', 'router-2', 'store-2'];
const ROUNDS = isSoak ? 10 : 1;
/** Each user waits this long between two requests, to stay below their rate. */
const PACE_MS = 130;
const BETWEEN = 6;
const SETTLE_MS = 60_000;
const EXPECTED = [200, 204, 403, 404, 429, 503, 504];

type SystemMessage = MessageEvent & { metadata?: { event: string; user_id?: string } };
type View = { version: number; last_seq: number; participants: { user_id: string }[] };
type Scene = { id: string; admin: Person; mover: Person; stays: Client[]; moves: Client };

async function setScene(): Promise<Scene> {
  const [admin, bob, mover] = await system.people(3);
  const body = { type: 'group', participant_ids: [bob.id, mover.id] };
  const made = await system.rest('POST', API, { token: admin.token, body });
  const id = made.body.conversation_id as string;
  system.canaries.add(id);
  const stays = [await system.connectNew(admin), await system.connectNew(bob, { edge: 2 })];
  return { id, admin, mover, stays, moves: await system.connectNew(mover, { edge: 2 }) };
}

/** Adds, removes and renames in turn until `isOver`. Returns how often each status was answered. */
async function administer({ id, admin, mover }: Scene, isOver: () => boolean) {
  const answers = new Map<number, number>();
  const steps: (() => Promise<RestAnswer>)[] = [
    () => call('DELETE', `participants/${mover.id}`),
    () => call('POST', 'participants', { user_ids: [mover.id] }),
    () => call('PATCH', '', { title: `${answers.size} ${Date.now()}` }),
  ];
  const call = (method: string, path: string, body?: unknown) =>
    system.rest(method, `${API}/${id}/${path}`.replace(/\/$/, ''), { token: admin.token, body });
  for (let n = 0; !isOver(); n += 1) {
    const { status } = await (steps[n % steps.length] as () => Promise<RestAnswer>)();
    answers.set(status, (answers.get(status) ?? 0) + 1);
    await delay(PACE_MS);
  }
  return answers;
}

async function write(client: Client, id: string, isOver: () => boolean): Promise<number> {
  let sent = 0;
  for (; !isOver(); ) {
    if ((await client.post(id, 'x')).type === 'reply') sent += 1;
    await delay(PACE_MS);
  }
  return sent;
}

/**
 * Returns the ranges of `seq` that a participant who comes and goes may have been sent, each from
 * joining to leaving.
 */
function membershipOf(history: readonly SystemMessage[], { id }: Person): [number, number][] {
  const spans: [number, number][] = [[1, Number.POSITIVE_INFINITY]];
  for (const { seq, metadata } of history) {
    if (metadata?.user_id !== id) continue;
    if (metadata.event === 'participant_added') spans.push([seq, Number.POSITIVE_INFINITY]);
    else (spans.at(-1) as [number, number])[1] = seq;
  }
  return spans;
}

function checkMover(t: Test, scene: Scene, history: readonly SystemMessage[]): void {
  const { mover, moves } = scene;
  const spans = membershipOf(history, mover);
  const spanOf = (seq: number): number =>
    spans.findIndex(([from, until]) => from <= seq && seq < until);
  t.same(
    moves.messageEvents.filter(({ seq }) => spanOf(seq) === -1).map(({ seq }) => seq),
    [],
    `the mover got no message from outside the ${spans.length} memberships`,
  );
  // After the event that ended a membership, the mover gets nothing more of that membership.
  let ended = 0;
  const late: number[] = [];
  for (const frame of moves.received) {
    if (isFarewell(frame, mover)) {
      const { last_seq: last } = frame.conversation as View;
      ended = Math.max(ended, last);
    } else if (frame.type === 'message' && Number(frame.seq) <= ended) {
      late.push(Number(frame.seq));
    }
  }
  t.same(late, [], 'no message comes after the event that ended the membership');
}

function isFarewell({ type, conversation }: Frame, { id }: Person): boolean {
  if (type !== 'conversation') return false;
  return (conversation as View).participants.every(({ user_id }) => user_id !== id);
}

t.test('amid kills, one who comes and goes gets their part and the others get all', async (t) => {
  const scene = await setScene();
  const { id, admin, stays, moves } = scene;
  let isOver = false;
  const working = [administer(scene, () => isOver)];
  const writing = [...stays, moves].map((client) => write(client, id, () => isOver));
  const progress = async (): Promise<void> => {
    const [a] = stays as [Client];
    const goal = a.messageEvents.length + BETWEEN;
    await until('it goes on', () => a.messageEvents.length >= goal, SETTLE_MS);
  };
  for (const _ of numbers(1, ROUNDS)) {
    for (const victim of VICTIMS) {
      await progress();
      system.stack.kill(victim);
      await progress();
      await system.stack.start(victim);
    }
  }
  await progress();
  isOver = true;
  const [answers] = (await Promise.all(working)) as [Map<number, number>];
  const sent = await Promise.all(writing);
  t.same(
    [...answers.keys()].filter((status) => !EXPECTED.includes(status)),
    [],
    'answers',
  );
  t.ok(sent.every((count) => count > 0));
  await until(
    'nothing is owed',
    async () => (await system.sql('select from outbox')).length === 0,
    SETTLE_MS,
  );
  const history = (await system.history(admin, id)) as SystemMessage[];
  t.same(seqsOf(history), numbers(1, history.length), `the ${history.length} messages have no gap`);
  for (const client of stays) {
    await until(
      'all came',
      () => new Set(seqsOf(client.messageEvents)).size === history.length,
      SETTLE_MS,
    );
  }
  checkMover(t, scene, history);
  const { body } = await system.rest('GET', `${API}/${id}`, { token: admin.token });
  const { version } = body as unknown as View;
  const last = (client: Client): number =>
    Math.max(
      ...client.received.flatMap(({ type, conversation }) =>
        type === 'conversation' ? (conversation as View).version : [],
      ),
    );
  for (const client of stays) await until('the last version', () => last(client) === version);
});

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
