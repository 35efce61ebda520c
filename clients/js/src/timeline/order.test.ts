import t from 'tap';
import type { MessageUpdate } from '../protocol/events.ts';
import type { Message } from '../protocol/shapes.ts';
import { gapOf, type Order, type OrderInput, takeInput, UNKNOWN_ORDER } from './order.ts';
import { Interleaving } from './stage/interleaving.ts';
import { CONVERSATIONS, type Name } from './stage/server-model.ts';

const RUNS = 10_000;

function message(seq: number, more: Partial<Message> = {}): Message {
  return {
    ...{ message_id: `m${seq}`, conversation_id: 'c', seq, version: 1, sender_id: 'ann' },
    ...{ content: `text ${seq}`, message_type: 'text', sent_at: '2026-11-21T10:00:00.000Z' },
    ...more,
  };
}

function update(seq: number, version: number): MessageUpdate {
  const ids = { message_id: `m${seq}`, conversation_id: 'c', seq };
  return { ...ids, version, change: 'edited', content: `version ${version}` };
}

const of = (one: Message, q?: number): OrderInput => {
  const ticket = q === undefined ? undefined : { session: 1, q };
  return { is: 'message', message: one, ticket };
};
const changeOf = (one: MessageUpdate, q: number): OrderInput => {
  return { is: 'update', update: one, ticket: { session: 1, q } };
};

/** Plays the inputs, and returns in short what the application was told and what was done. */
function play(inputs: readonly OrderInput[], from: Order = UNKNOWN_ORDER) {
  let order = from;
  const said: string[] = [];
  for (const input of inputs) {
    const step = takeInput(order, input);
    order = step.order;
    for (const effect of step.effects) {
      const qs = effect.tickets.map(({ q }) => q).join(',');
      if (effect.tell === 'message') {
        said.push(`message ${effect.message.seq}${effect.isLate ? ' late' : ''} [${qs}]`);
      } else if (effect.tell === 'update') {
        said.push(`update ${effect.update.seq} v${effect.update.version} [${qs}]`);
      } else said.push(`nothing [${qs}]`);
    }
  }
  return { said, order };
}

t.test('messages that come in order are told at once', async (t) => {
  const { said, order } = play([of(message(4), 1), of(message(5), 2)]);
  t.same(said, ['message 4 [1]', 'message 5 [2]']);
  t.equal(gapOf(order), undefined);
});

t.test('a message behind a gap waits, unacknowledged, for those before it', async (t) => {
  const first = play([{ is: 'known', lastSeq: 3 }, of(message(6), 1), of(message(5), 2)]);
  t.same(first.said, []);
  t.same(gapOf(first.order), { afterSeq: 3, upToSeq: 6 });
  const { said, order } = play([of(message(4), 3)], first.order);
  t.same(said, ['message 4 [3]', 'message 5 [2]', 'message 6 [1]']);
  t.equal(gapOf(order), undefined);
});

t.test('a repeat is acknowledged and not told, whether it is told, held or old', async (t) => {
  const inputs = [{ is: 'known', lastSeq: 0 } as const, of(message(1), 1), of(message(1), 2)];
  const { said, order } = play([...inputs, of(message(3), 3), of(message(3), 4)]);
  t.same(said, ['message 1 [1]', 'nothing [2]']);
  t.same(play([of(message(2), 5)], order).said, ['message 2 [5]', 'message 3 [3,4]']);
});

t.test('a lower message is no repeat if it was never told', async (t) => {
  t.same(play([of(message(6), 1), of(message(5), 2), of(message(5), 3)]).said, [
    'message 6 [1]',
    'message 5 late [2]',
    'nothing [3]',
  ]);
  const listed = { is: 'known', lastSeq: 10 } as const;
  t.same(play([listed, of(message(9), 1), of(message(10), 2)]).said, [
    'message 9 [1]',
    'message 10 [2]',
  ]);
});

t.test('history fills a gap, and what it lacks is gone for good', async (t) => {
  const { order } = play([{ is: 'known', lastSeq: 0 }, of(message(6), 1)]);
  const gap = { afterSeq: 0, upToSeq: 6 };
  const page = { is: 'filled', gap, messages: [message(2), message(3)], hasMore: true } as const;
  const half = play([page], order);
  t.same(half.said, ['message 2 []', 'message 3 []']);
  t.same(gapOf(half.order), { afterSeq: 3, upToSeq: 6 });
  const rest = { is: 'filled', gap: { afterSeq: 3, upToSeq: 6 }, messages: [], hasMore: false };
  const { said, order: last } = play([rest as OrderInput], half.order);
  t.same(said, ['message 6 [1]'], 'the held body is told although history lacks it');
  t.equal(gapOf(last), undefined);
});

t.test('an answer of history that is late changes nothing that is told', async (t) => {
  const { order } = play([of(message(1), 1), of(message(3), 2), of(message(2), 3)]);
  const late = { is: 'filled', gap: { afterSeq: 1, upToSeq: 3 }, hasMore: false } as const;
  const { said, order: after } = play([{ ...late, messages: [message(2), message(3)] }], order);
  t.same(said, []);
  t.same(after, order);
});

t.test(
  'a message that came while history was asked is not taken for one that is gone',
  async (t) => {
    const { order } = play([{ is: 'known', lastSeq: 0 }, of(message(2), 1), of(message(9), 2)]);
    const early = { afterSeq: 0, upToSeq: 2 };
    const answer = { is: 'filled', gap: early, messages: [message(1), message(2)] } as const;
    const { said, order: after } = play([{ ...answer, hasMore: false }], order);
    t.same(said, ['message 1 []', 'message 2 [1]']);
    t.same(gapOf(after), { afterSeq: 2, upToSeq: 9 });
  },
);

t.test('where history refuses, what is held is told in order', async (t) => {
  const { order } = play([{ is: 'known', lastSeq: 0 }, of(message(5), 1), of(message(3), 2)]);
  const { said, order: after } = play(
    [{ is: 'filled', gap: { afterSeq: 0, upToSeq: 5 }, messages: [], hasMore: false }],
    order,
  );
  t.same(said, ['message 3 [2]', 'message 5 [1]']);
  t.equal(gapOf(after), undefined);
});

t.test('each version is told once, and an old one never', async (t) => {
  const inputs = [of(message(1), 1), changeOf(update(1, 3), 2), changeOf(update(1, 2), 3)];
  t.same(play([...inputs, changeOf(update(1, 3), 4), changeOf(update(1, 4), 5)]).said, [
    'message 1 [1]',
    'update 1 v3 [2]',
    'nothing [3]',
    'nothing [4]',
    'update 1 v4 [5]',
  ]);
});

t.test('an update waits for its message, and shows that the message is missing', async (t) => {
  const { said, order } = play([{ is: 'known', lastSeq: 0 }, changeOf(update(1, 2), 1)]);
  t.same(said, []);
  t.same(gapOf(order), { afterSeq: 0, upToSeq: 1 });
  t.same(play([of(message(1), 2)], order).said, ['message 1 [1,2]', 'update 1 v2 []']);
  const changed = message(1, { version: 2, content: 'version 2' });
  t.same(play([of(changed, 2)], order).said, ['message 1 [1,2]', 'nothing []']);
});

t.test('a message that comes again with a newer version is told as an update', async (t) => {
  const again = message(1, { version: 2, content: 'new', edited_at: '2026-11-21T10:00:01.000Z' });
  const { order } = play([of(message(1), 1)]);
  const { effects } = takeInput(order, of(again));
  t.match(effects, [{ tell: 'update', update: { change: 'edited', content: 'new', version: 2 } }]);
  const { content: _content, ...bare } = message(1, { version: 2 });
  const { effects: gone } = takeInput(order, of({ ...bare, deleted_at: again.sent_at }));
  t.match(gone, [{ tell: 'update', update: { change: 'deleted', content: undefined } }]);
});

t.test('bodies beyond the bound are forgotten, and history brings them back', async (t) => {
  const many = Array.from({ length: 600 }, (_, i) => of(message(i + 2), i + 1));
  const { order } = play([{ is: 'known', lastSeq: 0 }, ...many]);
  t.equal(order.held.size, 600, 'no ticket is forgotten');
  const bodies = [...order.held.values()].filter((held) => held.message !== undefined);
  t.equal(bodies.length, 512);
  const { said, order: half } = play([of(message(1), 601)], order);
  t.equal(said.length, 513);
  t.same(gapOf(half), { afterSeq: 513, upToSeq: 601 });
  const messages = Array.from({ length: 88 }, (_, i) => message(514 + i));
  const gap = { afterSeq: 513, upToSeq: 601 };
  const { said: rest } = play([{ is: 'filled', gap, messages, hasMore: false }], half);
  t.same(rest[0], 'message 514 [513]');
  t.same(rest.at(-1), 'message 601 [600]');
});

t.test(`${RUNS} random interleavings tell all, once, in order, and keep no event`, async (t) => {
  for (let seed = 0; seed < RUNS; seed += 1) {
    const run = new Interleaving(seed, true);
    const problems = CONVERSATIONS.flatMap((name) => [
      ...wrongOrder(run, name),
      ...wrongContent(run, name),
    ]);
    problems.push(...run.broken);
    if (problems.length > 0) return void t.same(problems, [], `seed ${seed}`);
  }
  t.pass('no run broke a promise');
});

t.test('a client that knows nothing is told late only what was before its contact', async (t) => {
  for (let seed = 0; seed < RUNS / 5; seed += 1) {
    const run = new Interleaving(seed, false);
    const problems = [...run.broken, ...CONVERSATIONS.flatMap((name) => wrongOrder(run, name))];
    if (problems.length > 0) return void t.same(problems, [], `seed ${seed}`);
  }
  t.pass('no run broke a promise');
});

function wrongOrder({ server, client }: Interleaving, name: Name): string[] {
  const told = client.told[name];
  const late = told.filter(({ isLate }) => isLate).map(({ seq }) => seq);
  const inOrder = told.filter(({ isLate }) => !isLate).map(({ seq }) => seq);
  const contact = client.contacts.get(name) ?? 0;
  // A message that fell out of history may come after those behind it.
  const isGone = (seq: number): boolean => server.gone.has(server.logs[name][seq - 1] as Message);
  const problems = late
    .filter((seq) => seq >= contact && !isGone(seq))
    .map((seq) => `${name} ${seq} is late`);
  if (!isAscending(inOrder)) problems.push(`${name} is out of order`);
  if (new Set([...late, ...inOrder]).size !== told.length) problems.push(`${name} tells twice`);
  return problems;
}

function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > (numbers[index - 1] as number));
}

/** Compares what the application was told, and what is shown, with what the server has. */
function wrongContent({ server, client }: Interleaving, name: Name): string[] {
  const problems: string[] = [];
  const log = server.logs[name];
  const { window } = client.places[name];
  const seqs = new Set(client.told[name].map(({ seq }) => seq));
  const missing = log.filter((one) => !server.gone.has(one) && !seqs.has(one.seq));
  for (const { seq } of missing) problems.push(`${name} ${seq} is missing`);
  for (const [seq, versions] of client.versions[name]) {
    if (!isAscending(versions)) problems.push(`${name} ${seq} has versions ${versions}`);
  }
  const shown = window.map(({ seq }) => seq ?? Number.NaN);
  if (!isAscending(shown)) problems.push(`${name} shows ${shown}`);
  for (const one of window) {
    const truth = log[(one.seq ?? 0) - 1];
    if (truth === undefined || server.gone.has(truth)) continue;
    const isSame = truth.version === one.version && truth.content === one.content;
    if (!isSame) problems.push(`${name} ${one.seq} shows ${one.content}, not ${truth.content}`);
  }
  return problems;
}
