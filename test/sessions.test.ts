import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { until } from '../dev/testing/until.ts';
import type { Client } from './stage/client.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { type Person, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

const CODES = { tooManyDevices: 4504, replaced: 4505 };
const DEVICES_MAX = 10;
const NEW_DEVICES_MAX = 20;
const HOPPING_MESSAGES = 40;
/** A user waits this long between two sends, to stay below their rate. */
const PACE_MS = 100;

const resumedOf = (client: Client): unknown => client.received[0]?.resumed;

async function scene() {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  return { ann, bob, conversation, writer: await system.connectNew(ann) };
}

for (const [where, edge] of [
  ['on the same edge', 1],
  ['on another edge', 2],
] as const) {
  t.test(`a second session of a device ${where} replaces the first`, async (t) => {
    const { bob, conversation, writer } = await scene();
    const first = await system.connectNew(bob, { edge: 1 });
    const second = await system.connect(bob, { edge });
    t.match(await first.closed, { code: CODES.replaced });
    t.equal(resumedOf(second), true);
    await writer.post(conversation, 'after it');
    t.same(seqsOf(await second.messages(1)), [1]);
    t.equal(first.messageEvents.length, 0);
  });
}

t.test('of many sessions that a device opens at once one stays and gets all', async (t) => {
  const { bob, conversation, writer } = await scene();
  const before = await system.connectNew(bob);
  const clients = await Promise.all(
    numbers(1, 12).map((n) => {
      const headers = { authorization: `Bearer ${bob.token}`, 'x-device-id': 'phone' };
      return system.socket(headers, { edge: 1 + (n % 2) });
    }),
  );
  await before.closed;
  const isOne = (): boolean => clients.filter(({ isOpen }) => isOpen).length === 1;
  await until('one session is left', isOne);
  for (const n of numbers(1, 5)) await writer.post(conversation, `${n}`);
  const [left] = clients.filter(({ isOpen }) => isOpen);
  t.same(seqsOf((await left?.messages(5)) ?? []), numbers(1, 5));
  const codes = await Promise.all(
    clients.filter((client) => client !== left).map(async (client) => (await client.closed).code),
  );
  t.same(new Set(codes), new Set([CODES.replaced]));
  t.ok(left?.isOpen, 'the session stays open');
});

t.test('a device that hops between edges amid messages gets all in order', async (t) => {
  const { bob, conversation, writer } = await scene();
  const hops = [await system.connectNew(bob)];
  let isWriting = true;
  const write = async (): Promise<void> => {
    for (const n of numbers(1, HOPPING_MESSAGES)) {
      await writer.post(conversation, `${n}`);
      await delay(PACE_MS);
    }
    isWriting = false;
  };
  const writing = write();
  while (isWriting) {
    const hop = hops.length;
    // Every other session acknowledges nothing, and leaves all its events to its successor.
    hops.push(await system.connect(bob, { edge: 1 + (hop % 2), isAcking: hop % 2 === 0 }));
    await delay(PACE_MS * (hop % 4));
  }
  await writing;
  const last = await system.connect(bob);
  hops.push(last);
  await writer.post(conversation, 'end');
  await last.next(({ content }) => content === 'end');
  let highest = 0;
  for (const { messageEvents } of hops) {
    const [first = highest + 1] = seqsOf(messageEvents);
    t.ok(first <= highest + 1, `${first} follows ${highest}`);
    t.same(seqsOf(messageEvents), numbers(first, first + messageEvents.length - 1));
    highest = Math.max(highest, first + messageEvents.length - 1);
  }
  t.equal(highest, HOPPING_MESSAGES + 1);
  t.ok(hops.slice(1).every((hop) => resumedOf(hop) === true));
  const codes = await Promise.all(hops.slice(0, -1).map(async ({ closed }) => (await closed).code));
  t.same(new Set(codes), new Set([CODES.replaced]));
});

t.test('a replaced session does not end those of other devices or other people', async (t) => {
  const [ann, bob] = await system.people(2);
  const others = await Promise.all([
    system.connectNew(bob, { device: 'tablet' }),
    system.connectNew(ann, { device: 'phone' }),
  ]);
  await system.connectNew(bob, { device: 'phone' });
  const again = await system.connect(bob, { device: 'phone', edge: 2 });
  await again.settled();
  for (const other of others) await other.settled();
  t.ok(others.every(({ isOpen }) => isOpen));
});

t.test('an eleventh device takes the place of the device unused for longest', async (t) => {
  const { bob, conversation, writer } = await scene();
  const device = (n: number): string => `device-${n}`;
  for (const n of numbers(1, DEVICES_MAX)) {
    await (await system.connectNew(bob, { device: device(n) })).close();
  }
  // The devices are used again in another order than they were made, so device 2 is unused for
  // longest now.
  for (const n of [1, 3, 4, 5, 6, 7, 8, 9, 10]) {
    const client = await system.connect(bob, { device: device(n) });
    await writer.post(conversation, `for ${n}`);
    await client.next(({ content }) => content === `for ${n}`);
    await client.settled();
    await client.close();
  }
  await (await system.connectNew(bob, { device: 'eleventh' })).close();
  const third = await system.connect(bob, { device: device(3) });
  t.equal(resumedOf(third), true, 'the other devices keep their queues');
  const evicted = await system.connect(bob, { device: device(2) });
  t.equal(resumedOf(evicted), false, 'the device that lost its queue is told');
});

t.test('a connected device never loses its place to a new one', async (t) => {
  const { bob, conversation, writer } = await scene();
  const devices = numbers(1, DEVICES_MAX).map((n) => `device-${n}`);
  const first = await system.connectNew(bob, { device: devices[0] as string });
  for (const device of devices.slice(1)) await (await system.connectNew(bob, { device })).close();
  await (await system.connectNew(bob, { device: 'eleventh', edge: 2 })).close();
  await writer.post(conversation, 'still there');
  t.same(seqsOf(await first.messages(1)), [1]);
  t.ok(first.isOpen);
});

t.test('beside ten connected devices an eleventh is refused, and no other suffers', async (t) => {
  const { bob, conversation, writer } = await scene();
  const clients = await Promise.all(
    numbers(1, DEVICES_MAX).map((n) =>
      system.connectNew(bob, { device: `device-${n}`, edge: 1 + (n % 2) }),
    ),
  );
  t.equal(await refusal(bob, 'eleventh'), CODES.tooManyDevices);
  const again = await system.connect(bob, { device: 'device-4' });
  t.equal(resumedOf(again), true, 'a known device still gets in');
  await writer.post(conversation, 'all hear it');
  for (const client of clients.filter((_, index) => index !== 3)) {
    t.same(seqsOf(await client.messages(1)), [1]);
  }
});

t.test('the 21st new device within an hour is refused, but a known one is not', async (t) => {
  const bob = await system.person();
  for (const n of numbers(1, NEW_DEVICES_MAX)) {
    const client = await system.connectNew(bob, { device: `device-${n}` });
    if (n === NEW_DEVICES_MAX) await client.settled();
    await client.close();
  }
  t.equal(await refusal(bob, 'one-more'), CODES.tooManyDevices);
  t.equal(await refusal(bob, 'one-more', 2), CODES.tooManyDevices, 'on every edge');
  const last = await system.connect(bob, { device: `device-${NEW_DEVICES_MAX}` });
  t.equal(resumedOf(last), true);
  const client = await system.connect(bob, {
    device: `device-${NEW_DEVICES_MAX}`,
    resync: true,
  });
  t.equal(resumedOf(client), false, 'resync is not a new device');
});

/**
 * Resolves with the code that the opening session is closed with. Throws if a frame comes before.
 */
async function refusal({ token }: Person, device: string, edge = 1): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'x-device-id': device };
  const client = await system.socket(headers, { edge });
  const { code } = await client.closed;
  if (client.received.length > 0) throw new Error(JSON.stringify(client.received[0]));
  return code;
}

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
