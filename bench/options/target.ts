import { existsSync, readFileSync } from 'node:fs';
import type { BenchOptions } from './options.ts';

export type StackProcess = {
  name: string;
  service: string;
  pid: number;
  port?: number;
  admin_port?: number;
};

/** The target is measured. It has no processes if the edges were named by hand. */
export type Target = {
  processes: StackProcess[];
  edges: string[];
  kaha: string;
  database: string | undefined;
};

type StackFile = {
  processes: StackProcess[];
  urls: { edges: string[]; kaha: string; database?: string };
};

/** Reads from the stack's file what runs. What the options name takes precedence. */
export function readTarget(options: Pick<BenchOptions, 'stack' | 'edges' | 'kaha'>): Target {
  const { stack, edges, kaha } = options;
  if (edges !== undefined && kaha !== undefined) {
    return { processes: [], edges, kaha, database: undefined };
  }
  if (!existsSync(stack)) throw new Error(`No stack runs (no ${stack}): "npm run up" starts one.`);
  const { processes, urls } = JSON.parse(readFileSync(stack, 'utf8')) as StackFile;
  return {
    processes,
    edges: edges ?? urls.edges,
    kaha: kaha ?? urls.kaha,
    database: urls.database,
  };
}

/** Returns the process of an edge and its place among the edges. */
export function findEdge(target: Target, name: string): { pid: number; edge: number } {
  const found = target.processes.find((process) => process.name === name);
  const edge = target.edges.findIndex((url) => Number(new URL(url).port) === found?.port);
  if (found?.service === 'edge' && edge >= 0) return { pid: found.pid, edge };
  throw new Error(`There is no ${name} among the edges.`);
}
