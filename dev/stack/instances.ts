import { freePorts } from '../processes/ports.ts';
import {
  type InstanceCounts,
  instancesOf,
  SERVICE_NAMES,
  SERVICES,
  type ServiceName,
} from './services.ts';

export type Instance = { service: ServiceName; name: string; adminPort: number; port?: number };

/**
 * Plans all instances of all services, each with a free admin port. Where the options of the stack
 * give the port, the first instance has `firstPort`, and each further one the next port. If
 * `firstPort` is 0, such an instance has a free port as well.
 */
export async function planInstances(
  counts: InstanceCounts,
  firstPort: number,
): Promise<Instance[]> {
  const planned = SERVICE_NAMES.flatMap((service) => {
    const { port } = SERVICES[service];
    const isGiven = port?.from === 'options' && firstPort !== 0;
    return instancesOf(service, counts).map((name, index) => {
      const given = isGiven ? firstPort + index : undefined;
      return { service, name, given, isFree: port !== undefined && !isGiven };
    });
  });
  const free = await freePorts(planned.length + planned.filter(({ isFree }) => isFree).length);
  const nextFree = (): number => free.pop() as number;
  return planned.map(({ service, name, given, isFree }) => {
    const port = isFree ? nextFree() : given;
    return { service, name, adminPort: nextFree(), ...(port !== undefined && { port }) };
  });
}

/** Returns the groups of instances that start together, in the order of starting. */
export function startGroups(instances: readonly Instance[]): Instance[][] {
  const ranks = new Set(SERVICE_NAMES.map((service) => SERVICES[service].startRank));
  return [...ranks].map((rank) =>
    instances.filter(({ service }) => SERVICES[service].startRank === rank),
  );
}
