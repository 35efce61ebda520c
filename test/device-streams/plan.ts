import type { Chance } from '../harm/chance.ts';
import { numbers } from '../stage/numbers.ts';
import type { Patience } from './record.ts';

/** The processes that may be harmed have these names. */
export const EDGES = ['edge-1', 'edge-2'] as const;
export const ROUTERS = ['router-1', 'router-2'] as const;

/**
 * A fault harms the system. After `forMs` it ends by itself.
 *
 * - `cut`: a process loses its connection to NATS.
 * - `freeze`: a process gets SIGSTOP.
 * - `kill`: a process gets SIGKILL, and is started again.
 * - `drain`: a process stops in order, and is started again.
 * - `owe`: a message is committed, and no router brings it to anybody until a repair does.
 * - `lose`: NATS loses the queue of a device.
 */
export type Fault =
  | { kind: 'cut' | 'freeze' | 'kill' | 'drain'; process: string; forMs: number }
  | { kind: 'owe'; conversation: number }
  | { kind: 'lose'; device: number };
export type FaultKind = Fault['kind'];

/** People, devices and conversations are named by their index. */
export type Act =
  | { act: 'send'; person: number; conversation: number }
  | { act: 'become'; device: number; patience: Patience }
  | { act: 'leave'; device: number; how: 'reset' | 'close'; forMs: number }
  | { act: 'replace'; device: number }
  | { act: 'come'; device: number }
  | { act: 'fault'; fault: Fault };
type Step = Act & { atMs: number };

/** The people of a round, by index, with their devices and conversations. */
type Cast = {
  people: number;
  /** Each device belongs to the person of this index. */
  devices: readonly number[];
  /** These devices are new in the middle of the round, and all others before it. */
  late: ReadonlySet<number>;
  /** These people take part in each conversation. */
  conversations: readonly (readonly number[])[];
};

export type Plan = { cast: Cast; steps: readonly Step[]; faults: readonly Fault[] };

type Dose = {
  people: number;
  activeMs: number;
  /** The round has so many faults of these kinds, all in its second half. */
  faults: number;
  kinds: readonly FaultKind[];
};

const SECOND_DEVICE = 0.5;
const LATE_DEVICE = 0.3;
const BURST_MAX = 6;
const BURST_MS = 60;
/** A person sends so many messages a second, on average. A user may send 10. */
const SENDS_PER_S = 5;
const AWAY_MS = { few: 800, many: 3_000 };
const FAULT_MS: Record<Exclude<FaultKind, 'owe' | 'lose'>, { min: number; max: number }> = {
  cut: { min: 300, max: 3_000 },
  freeze: { min: 1_000, max: 3_000 },
  kill: { min: 0, max: 2_000 },
  drain: { min: 0, max: 1_000 },
};

/** Decides all that happens in one round. */
export function planOf(chance: Chance, dose: Dose): Plan {
  const cast = castOf(chance, dose);
  const faults = numbers(1, dose.faults).map(() => faultOf(chance, { cast, kinds: dose.kinds }));
  const acts = [
    ...sendsOf(chance, { cast, dose }),
    ...[...cast.late].map((device): Step => {
      return { act: 'come', device, atMs: chance.between(0, dose.activeMs) };
    }),
    ...cast.devices.flatMap((_, device) => habitsOf(chance, { device, dose })),
    ...faults.map((fault) => {
      const atMs = chance.between(dose.activeMs / 2, dose.activeMs);
      return { act: 'fault' as const, fault, atMs };
    }),
  ];
  return { cast, faults, steps: acts.sort((one, other) => one.atMs - other.atMs) };
}

function castOf(chance: Chance, dose: Dose): Cast {
  const all = numbers(0, dose.people - 1);
  const second = all.filter(() => chance.happens(SECOND_DEVICE));
  const direct = all.map((person) => [person, (person + 1) % dose.people]);
  const groups = numbers(1, Math.ceil(dose.people / 4)).map(() =>
    chance.draw(all, chance.between(3, Math.min(6, dose.people) + 1)),
  );
  const late = second
    .map((_, index) => dose.people + index)
    .filter(() => chance.happens(LATE_DEVICE));
  return {
    people: dose.people,
    devices: [...all, ...second],
    late: new Set(late),
    conversations: [...direct, ...groups],
  };
}

function faultOf(
  chance: Chance,
  { cast, kinds }: { cast: Cast; kinds: readonly FaultKind[] },
): Fault {
  const kind = chance.pick(kinds);
  if (kind === 'owe') return { kind, conversation: chance.between(0, cast.conversations.length) };
  if (kind === 'lose') return { kind, device: chance.between(0, cast.devices.length) };
  const { min, max } = FAULT_MS[kind];
  const victims = kind === 'freeze' ? EDGES : kind === 'drain' ? ROUTERS : [...EDGES, ...ROUTERS];
  return { kind, process: chance.pick(victims), forMs: chance.between(min, max) };
}

function sendsOf(chance: Chance, { cast, dose }: { cast: Cast; dose: Dose }): Step[] {
  const count = Math.ceil((cast.people * SENDS_PER_S * dose.activeMs) / 1_000);
  const sends: Step[] = [];
  while (sends.length < count) {
    const atMs = chance.between(0, dose.activeMs);
    const conversation = chance.between(0, cast.conversations.length);
    for (const _ of numbers(1, chance.between(1, BURST_MAX + 1))) {
      const person = chance.pick(cast.conversations[conversation] as readonly number[]);
      const after = chance.between(0, BURST_MS);
      sends.push({ act: 'send', person, conversation, atMs: atMs + after });
    }
  }
  return sends;
}

/** Decides what the user of one device does, and how its client acknowledges. */
function habitsOf(chance: Chance, { device, dose }: { device: number; dose: Dose }): Step[] {
  const at = (): number => chance.between(0, dose.activeMs);
  const leaves = numbers(1, chance.between(0, 4)).map((): Step => {
    const forMs = chance.between(0, chance.happens(0.7) ? AWAY_MS.few : AWAY_MS.many);
    return { act: 'leave', device, how: chance.pick(['reset', 'close']), forMs, atMs: at() };
  });
  const replaced = numbers(1, chance.between(0, 2)).map(
    (): Step => ({ act: 'replace', device, atMs: at() }),
  );
  const moods = numbers(1, chance.between(0, 3)).map((): Step => {
    const patience = chance.pick<Patience>(['quick', 'quick', 'slow', 'never']);
    return { act: 'become', device, patience, atMs: at() };
  });
  return [...leaves, ...replaced, ...moods];
}
