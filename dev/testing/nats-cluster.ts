import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connectNats } from '../../shared/nats/nats-connection.ts';
import { launch, type RunningProcess, sendSignal, stop, untilReady } from '../processes/child.ts';
import { freePorts } from '../processes/ports.ts';
import { findProgram, installMissing } from '../servers/binaries.ts';
import { planNats } from '../servers/nats-server.ts';
import { until } from './until.ts';

const NAMES = ['nats-1', 'nats-2', 'nats-3'] as const;
const READY_MS = 20_000;
const LEADER_MS = 30_000;
const ASK_MS = 500;

export type Cluster = {
  url: string;
  seeds: Readonly<Record<string, string>>;
  /** Freezes the server while its files are copied, and forgets an earlier copy. */
  copyStore(name: string): void;
  /** Kills the server without warning. It comes back with the files that were copied. */
  losesTail(name: string): Promise<void>;
  stop(): Promise<void>;
};

/** Starts three NATS servers that share the streams. Resolves once they have a leader. */
export async function startCluster(dataDir: string): Promise<Cluster> {
  installMissing(['nats']);
  const program = findProgram('nats') as string;
  const ports = await freePorts(2 * NAMES.length);
  const clusterPorts = ports.splice(0, NAMES.length);
  const plans = NAMES.map((name, index) => {
    const peer = { name, clusterPort: clusterPorts[index] as number, clusterPorts };
    const log = join(dataDir, `${name}.log`);
    return planNats({ program, dataDir, log, port: ports[index] as number, peer });
  });
  const running = new Map(NAMES.map((name, index) => [name as string, launchPeer(index)]));
  function launchPeer(index: number): RunningProcess {
    return launch((plans[index] as (typeof plans)[number]).spec, { bound: true });
  }
  const find = (name: string) => running.get(name) as RunningProcess;
  const storeOf = (name: string): string => join(dataDir, 'nats', name, 'jetstream');
  const url = ports.map((port) => `nats://127.0.0.1:${port}`).join(',');
  const seeds = plans[0]?.seeds ?? {};
  const stopAll = async (): Promise<void> => {
    await Promise.all([...running.values()].map((one) => stop(one)));
  };
  try {
    await Promise.all([...running.values()].map((one) => untilReady(one, READY_MS)));
    await untilLed(url, seeds.setup as string);
  } catch (error) {
    await stopAll();
    throw error;
  }
  return {
    url,
    seeds,
    copyStore(name) {
      sendSignal(find(name), 'SIGSTOP');
      rmSync(`${storeOf(name)}-copy`, { recursive: true, force: true });
      cpSync(storeOf(name), `${storeOf(name)}-copy`, { recursive: true });
      sendSignal(find(name), 'SIGCONT');
    },
    async losesTail(name) {
      sendSignal(find(name), 'SIGKILL');
      await stop(find(name));
      rmSync(storeOf(name), { recursive: true });
      cpSync(`${storeOf(name)}-copy`, storeOf(name), { recursive: true });
      running.set(name, launchPeer((NAMES as readonly string[]).indexOf(name)));
      await untilReady(find(name), READY_MS);
    },
    stop: stopAll,
  };
}

/** Only the leader that the servers elect answers for JetStream. */
async function untilLed(url: string, nkeySeed: string): Promise<void> {
  const nc = await connectNats({ url, nkeySeed, natsUser: 'setup', instance: 'setup' });
  const isLed = (): Promise<boolean> =>
    nc.request('$JS.API.STREAM.NAMES', undefined, { timeout: ASK_MS }).then(
      (answer) => answer.json<{ error?: object }>().error === undefined,
      () => false,
    );
  try {
    await until('the servers have a leader', isLed, LEADER_MS);
  } finally {
    await nc.close();
  }
}
