import type { Test } from 'tap';
import { startCuttingProxy } from './cutting-proxy.ts';

export type NatsLinks = {
  /** This is the option of a stack by which its processes use these links. */
  natsUrlFor(process: string, url: string): string;
  /** Ends the process's connection to NATS, and refuses new ones until it is mended. */
  cut(process: string): void;
  mend(process: string): void;
};

/**
 * Puts a proxy between NATS and each of these processes, so that each can lose NATS by itself.
 * All other processes reach NATS directly.
 */
export async function startNatsLinks(
  t: Pick<Test, 'teardown'>,
  processes: readonly string[],
): Promise<NatsLinks> {
  const natsPorts: number[] = [];
  const proxies = new Map(
    await Promise.all(
      processes.map(async (name) => [name, await startCuttingProxy(t, natsPorts)] as const),
    ),
  );
  const linkOf = (process: string) => {
    const proxy = proxies.get(process);
    if (proxy === undefined) throw new Error(`${process} has no link`);
    return proxy;
  };
  return {
    natsUrlFor(process, url) {
      const proxy = proxies.get(process);
      if (proxy === undefined) return url;
      natsPorts[0] = Number(new URL(url).port);
      return `nats://127.0.0.1:${proxy.port}`;
    },
    cut: (process) => linkOf(process).setClosed(true),
    mend: (process) => linkOf(process).setClosed(false),
  };
}
