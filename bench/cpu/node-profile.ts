import type { Sample } from './cost-summary.ts';

/** V8's inspector gives a CPU profile in this shape; its times are in microseconds. */
export type NodeProfile = {
  nodes: ProfileNode[];
  samples: number[];
  timeDeltas: number[];
};
export type ProfileNode = {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: number[];
};

const IDLE = '(idle)';
/** The build's code belongs to the project, and the packages beside it do not. */
const OWN = /\/(?:services|shared|dev)\/(?!.*node_modules)/;
const NOT_OWN = 'Node and packages by themselves';

/**
 * Returns the samples of a profile in which the process was busy. The starter is the outermost
 * function of the project. V8 counts the time that it needs to begin a profile as the first
 * sample's, so the first sample is left out.
 */
export function nodeSamples({ nodes, samples, timeDeltas }: NodeProfile): Sample[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const starters = startersOf(nodes);
  return samples.slice(1).flatMap((id, index) => {
    const node = byId.get(id);
    if (node === undefined || node.callFrame.functionName === IDLE) return [];
    const us = timeDeltas[index + 1] ?? 0;
    return [{ us, what: nameOf(node), starter: starters.get(id) ?? NOT_OWN }];
  });
}

/** Each node below a function of the project gets the outermost such function. */
function startersOf(nodes: readonly ProfileNode[]): Map<number, string> {
  const starters = new Map<number, string>();
  // V8 lists a node before its children.
  for (const node of nodes) {
    const isOwn = OWN.test(node.callFrame.url);
    const starter = starters.get(node.id) ?? (isOwn ? nameOf(node) : undefined);
    if (starter === undefined) continue;
    starters.set(node.id, starter);
    for (const child of node.children ?? []) starters.set(child, starter);
  }
  return starters;
}

/** The name says the function and its file, from the service's or the package's name on. */
function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const path = url
    .replace(/^.*\/node_modules\//, '')
    .replace(/^.*\/(?=(?:services|shared|dev)\/)/, '');
  return `${name}  ${path}:${lineNumber + 1}`;
}
