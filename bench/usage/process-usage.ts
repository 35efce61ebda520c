import { readdirSync, readFileSync } from 'node:fs';

type Usage = { cpuS: number; rssBytes: number; pssBytes: number };
type NamedProcess = { name: string; service: string; pid: number };
export type ProcessUsage = NamedProcess & Usage;

type Stat = { pid: number; parent: number; cpuS: number };
type Memory = Omit<Usage, 'cpuS'>;

/** USER_HZ is 100 on every Linux that matters. */
const TICKS_PER_S = 100;
const BYTES_PER_KIB = 1_024;
const NO_MEMORY: Memory = { rssBytes: 0, pssBytes: 0 };

/**
 * Reads from /proc the CPU time since their start, and the memory now, of processes and all their
 * descendants. Descendants that have ended count too, once they were waited for, because Postgres'
 * workers come and go. A process that is gone is left out. Memory costs milliseconds, so it is not
 * read within a measurement.
 */
export function readUsage(
  processes: readonly NamedProcess[],
  parts: { memory: boolean },
): ProcessUsage[] {
  const stats = readStats();
  return processes.flatMap((process) => {
    const tree = treeOf(process.pid, stats);
    if (tree.length === 0) return [];
    const cpuS = tree.reduce((sum, stat) => sum + stat.cpuS, 0);
    const memories = parts.memory ? tree.map(({ pid }) => readMemory(pid)) : [];
    const { rssBytes, pssBytes } = memories.reduce(addMemory, NO_MEMORY);
    return [{ ...process, cpuS, rssBytes, pssBytes }];
  });
}

/** Reads one line of /proc/<pid>/stat. The name of the program may hold blanks and parentheses. */
export function parseStat(text: string): Stat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent = 0, user = 0, system = 0, childUser = 0, childSystem = 0] = [
    1, 11, 12, 13, 14,
  ].map((index) => Number(fields[index]));
  return {
    pid: Number.parseInt(text, 10),
    parent,
    cpuS: (user + system + childUser + childSystem) / TICKS_PER_S,
  };
}

/** Reads /proc/<pid>/smaps_rollup. Returns bytes. */
export function parseMemory(text: string): Memory {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * BYTES_PER_KIB;
  return { rssBytes: field('Rss'), pssBytes: field('Pss') };
}

function readStats(): Map<number, Stat> {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const text = readProc(`/proc/${name}/stat`);
    if (text === undefined) continue;
    const stat = parseStat(text);
    stats.set(stat.pid, stat);
  }
  return stats;
}

function treeOf(pid: number, stats: ReadonlyMap<number, Stat>): Stat[] {
  const root = stats.get(pid);
  if (root === undefined) return [];
  const tree = [root];
  for (const parent of tree) {
    for (const stat of stats.values()) if (stat.parent === parent.pid) tree.push(stat);
  }
  return tree;
}

/**
 * Reads the memory of a process. If another user owns the process, only its resident size can be
 * read.
 */
function readMemory(pid: number): Memory {
  const rollup = readProc(`/proc/${pid}/smaps_rollup`);
  if (rollup !== undefined) return parseMemory(rollup);
  const status = readProc(`/proc/${pid}/status`) ?? '';
  const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
  return { rssBytes: kib * BYTES_PER_KIB, pssBytes: kib * BYTES_PER_KIB };
}

function addMemory(a: Memory, b: Memory): Memory {
  return { rssBytes: a.rssBytes + b.rssBytes, pssBytes: a.pssBytes + b.pssBytes };
}

/** Returns undefined if the process ended in the meantime, or belongs to another user. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
