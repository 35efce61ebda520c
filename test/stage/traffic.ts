import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { until } from '../../dev/testing/until.ts';
import { Device, type Sent } from './device.ts';
import { numbers } from './numbers.ts';
import type { Person, System } from './stack.ts';

/** A person waits this long between two sends, to stay below the rate that a user may have. */
const PACE_MS = 130;
/**
 * The unacknowledged events of a crashed edge come after 10 s, and the leases of a dead router end
 * after 30 s.
 */
const SETTLE_MS = 45_000;
const PROGRESS_MS = 40_000;

type Conversation = { id: string; participants: Device[] };

type Traffic = {
  devices: readonly Device[];
  /** Resolves once the system has acknowledged this many more sends. */
  progress(count: number): Promise<void>;
  /** Ends the sending, and checks that no message was lost, doubled, out of place or late. */
  check(t: Test): Promise<void>;
};

/**
 * Four people, of whom one has two devices, are spread over all edges. Each two neighbours have a
 * direct conversation, and all four have a group. Each person writes to each of their conversations
 * in turn until the end.
 */
export async function startTraffic(system: System, edges: readonly number[]): Promise<Traffic> {
  const people: Person[] = await system.people(4);
  const rotated = (by: number) => edges.map((_, i) => edges[(i + by) % edges.length] as number);
  const devices = people.map(
    (person, i) => new Device(system, person, { deviceId: 'phone', edges: rotated(i) }),
  );
  const [ann, bob, cat, dan, annAgain] = [
    ...devices,
    new Device(system, people[0] as Person, { deviceId: 'tablet', edges: rotated(1) }),
  ] as [Device, Device, Device, Device, Device];
  devices.push(annAgain);
  const group = [ann, bob, cat, dan];
  const conversations: Conversation[] = [];
  for (const participants of [[ann, bob], [bob, cat], [cat, dan], group]) {
    const id = await system.conversation(participants.map(({ person }) => person));
    conversations.push({
      id,
      participants: participants.includes(ann) ? [...participants, annAgain] : participants,
    });
  }
  await Promise.all(devices.map((device) => device.start()));
  const acknowledged = new Map<string, Sent[]>(conversations.map(({ id }) => [id, []]));
  const count = (): number =>
    [...acknowledged.values()].reduce((sum, { length }) => sum + length, 0);
  let isEnding = false;
  const write = async (device: Device): Promise<void> => {
    const own = conversations.filter(({ participants }) => participants.includes(device));
    for (let n = 0; !isEnding; n += 1) {
      const { id } = own[n % own.length] as Conversation;
      acknowledged.get(id)?.push(await device.send(id, `${device.person.id.slice(0, 4)} ${n}`));
      await delay(PACE_MS);
    }
  };
  const writing = Promise.all(group.map(write));
  // `check` awaits the end of the writing. A failure before that must not count as an unhandled
  // rejection.
  writing.catch((error: unknown) => error);
  return {
    devices,
    async progress(more) {
      const goal = count() + more;
      await until(`${more} more acknowledged`, () => count() >= goal, PROGRESS_MS);
    },
    async check(t) {
      isEnding = true;
      await writing;
      for (const conversation of conversations) {
        const sent = acknowledged.get(conversation.id) ?? [];
        await checkConversation(t, { system, conversation, sent });
      }
      t.same(
        devices.flatMap(({ faults }) => faults),
        [],
        'no answer is late or wrong',
      );
      await Promise.all(devices.map((device) => device.stop()));
    },
  };
}

type Checked = { system: System; conversation: Conversation; sent: Sent[] };

async function checkConversation(t: Test, { system, conversation, sent }: Checked): Promise<void> {
  const { id, participants } = conversation;
  const [reader] = participants as [Device];
  const history = await until(
    'history',
    () => system.history(reader.person, id).catch((error: unknown) => void error),
    SETTLE_MS,
  );
  const seqs = history.map(({ seq }) => seq);
  t.same(seqs, numbers(1, seqs.length), `the ${seqs.length} messages have no gap`);
  const bySeq = new Map(history.map((message) => [message.seq, message]));
  const lost = sent.filter(({ seq, content, client_msg_id }) => {
    const message = bySeq.get(seq);
    return message?.content !== content || message.client_msg_id !== client_msg_id;
  });
  t.same(lost, [], `the ${sent.length} acknowledged messages are in the history`);
  t.equal(
    new Set(history.map((one) => one.client_msg_id)).size,
    history.length,
    'no message is there twice',
  );
  const missing = (device: Device): number[] => {
    const held = device.held.get(id);
    return seqs.filter((seq) => held?.get(seq)?.message_id !== bySeq.get(seq)?.message_id);
  };
  const isComplete = (): boolean => participants.every((device) => missing(device).length === 0);
  await until('all devices', isComplete, SETTLE_MS).catch((error: unknown) => error);
  const left = participants.flatMap((device) =>
    missing(device).map((seq) => `${device.name} ${seq}`),
  );
  t.same(left, [], 'every device has all messages');
}
