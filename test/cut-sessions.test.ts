import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { numbers, seqsOf } from './stage/numbers.ts';
import { shareStack } from './stage/stack.ts';

const system = await shareStack(t);

const TRIES = 16;
const UNACKED = 20;
const SEND_EVERY_MS = 125;

/**
 * A device leaves 20 messages unacknowledged. While somebody sends 8 more a second, it opens a
 * session that is cut off at `auth_ok`, and soon after another one elsewhere. Returns the numbers
 * of the messages in the order in which the last session gets them, and of how many there are.
 */
async function playCut(reopenAfterMs: number): Promise<{ got: number[]; sent: number }> {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const writer = await system.connectNew(ann, { edge: 2 });
  const first = await system.connectNew(bob, { isAcking: false });
  for (const n of numbers(1, UNACKED)) await writer.post(conversation, `${n}`);
  await first.messages(UNACKED);
  await first.close();
  let sent = UNACKED;
  let isSending = true;
  const sending = (async () => {
    for (; isSending; sent += 1) {
      await writer.post(conversation, 'one more');
      await delay(SEND_EVERY_MS);
    }
  })();
  await delay(2 * SEND_EVERY_MS);
  const cut = system.connect(bob, {
    isAcking: false,
    onFrame: ({ type }, client) => void (type === 'auth_ok' && client.destroy()),
  });
  await Promise.allSettled([cut]);
  await delay(reopenAfterMs);
  const last = await system.connect(bob, { edge: 2 });
  await last.messages(UNACKED + 4);
  isSending = false;
  await sending;
  const got = seqsOf(await last.messages(sent));
  await last.close();
  await writer.close();
  return { got, sent };
}

t.test('after a cut at auth_ok what was unacknowledged comes first and in order', async (t) => {
  const tries = numbers(1, TRIES).map((n) => playCut(100 + (n % 5) * 50));
  for (const { got, sent } of await Promise.all(tries)) t.same(got, numbers(1, sent));
});
