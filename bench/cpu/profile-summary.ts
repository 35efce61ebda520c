/** A CPU profile as V8's inspector gives it; times are in microseconds. */
export type CpuProfile = {
  nodes: ProfileNode[];
  samples: number[];
  timeDeltas: number[];
};
export type ProfileNode = {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: number[];
};

export type Cost = { what: string; ms: number };
export type ProfileSummary = {
  totalMs: number;
  busyMs: number;
  /** Time within each function itself, the longest first. */
  functions: Cost[];
  /** Time of all that a function of our own started, by the outermost one, the longest first. */
  starters: Cost[];
};

const IDLE = '(idle)';
const US_PER_MS = 1_000;
/** Code of the project after the build, and not of its packages. */
const OWN = /\/(?:services|shared|dev)\/(?!.*node_modules)/;
const NOT_OWN = 'Node and packages by themselves';

/** Adds up a profile: where the time went, and which timer, handler or loop of ours began it. */
export function summarizeProfile({ nodes, samples, timeDeltas }: CpuProfile): ProfileSummary {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const starterOf = startersOf(nodes, byId);
  const functions = new Map<string, number>();
  const starters = new Map<string, number>();
  let [totalUs, busyUs] = [0, 0];
  for (const [index, id] of samples.entries()) {
    const node = byId.get(id) as ProfileNode;
    const deltaUs = timeDeltas[index] ?? 0;
    totalUs += deltaUs;
    if (node.callFrame.functionName === IDLE) continue;
    busyUs += deltaUs;
    add(functions, nameOf(node), deltaUs);
    add(starters, starterOf.get(id) ?? NOT_OWN, deltaUs);
  }
  return {
    totalMs: totalUs / US_PER_MS,
    busyMs: busyUs / US_PER_MS,
    functions: costsOf(functions),
    starters: costsOf(starters),
  };
}

/** For each node the outermost function of our own on the way to it. */
function startersOf(
  nodes: readonly ProfileNode[],
  byId: ReadonlyMap<number, ProfileNode>,
): Map<number, string> {
  const starters = new Map<number, string>();
  // V8 lists a node before its children.
  for (const node of nodes) {
    const found = starters.get(node.id) ?? (isOwn(node) ? nameOf(node) : undefined);
    if (found === undefined) continue;
    starters.set(node.id, found);
    for (const child of node.children ?? []) if (byId.has(child)) starters.set(child, found);
  }
  return starters;
}

function isOwn({ callFrame }: ProfileNode): boolean {
  return OWN.test(callFrame.url);
}

/** The function, and where it stands: a file of ours from its folder on, a package by its name. */
function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const path = url
    .replace(/^.*\/node_modules\//, '')
    .replace(/^.*\/(?=(?:services|shared|dev)\/)/, '');
  return `${name}  ${path}:${lineNumber + 1}`;
}

function add(sums: Map<string, number>, key: string, us: number): void {
  sums.set(key, (sums.get(key) ?? 0) + us);
}

function costsOf(sums: ReadonlyMap<string, number>): Cost[] {
  return [...sums].map(([what, us]) => ({ what, ms: us / US_PER_MS })).sort((a, b) => b.ms - a.ms);
}
