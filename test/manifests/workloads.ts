import type { Env } from '../../shared/process/env.ts';

/** A workload runs one of our commands, whether Kubernetes or docker compose defines it. */
export type Workload = {
  name: string;
  command: string;
  env: Env;
  graceS: number | undefined;
  /** The workload itself says how many files the process may open. */
  filesMax?: number;
};

export type Manifest = {
  kind: string;
  metadata: {
    name: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: ManifestSpec;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
};
type Labels = Record<string, string>;
type ManifestSpec = {
  selector?: Labels & { matchLabels?: Labels };
  podSelector?: { matchExpressions?: { values: string[] }[] };
  template?: { metadata: { labels: Labels }; spec: PodSpec };
  scaleTargetRef?: { kind: string; name: string };
  maxReplicas?: number;
};
type PodSpec = { terminationGracePeriodSeconds?: number; containers: [Container] };
type Ref = { name: string; key: string };
type Container = {
  args: string[];
  envFrom?: { configMapRef?: { name: string }; secretRef?: { name: string } }[];
  env?: {
    name: string;
    value?: string;
    valueFrom?: { configMapKeyRef?: Ref; fieldRef?: { fieldPath: string } };
  }[];
  volumeMounts?: { subPath?: string; subPathExpr?: string }[];
};

const WORKLOADS = ['StatefulSet', 'Deployment', 'Job'];
/** This text stands for a mounted secret, whose content the test does not know. */
const SECRET = 'a secret of at least thirty-two characters';

export function isWorkload({ kind }: Manifest): boolean {
  return WORKLOADS.includes(kind);
}

export function containerOf(manifest: Manifest): Container {
  const container = manifest.spec.template?.spec.containers[0];
  if (container === undefined) throw new Error(`${manifest.metadata.name} runs nothing`);
  return container;
}

/**
 * Returns the workloads with the environment that Kubernetes would give them. Throws if a config
 * map or secret is missing.
 */
export function fromKubernetes(manifests: readonly Manifest[]): Workload[] {
  const dataOf = (name: string): Record<string, string> => {
    const found = manifests.find(
      (one) => one.metadata.name === name && (one.data ?? one.stringData),
    );
    if (found === undefined) throw new Error(`no config map or secret ${name}`);
    return found.data ?? found.stringData ?? {};
  };
  return manifests.filter(isWorkload).map((manifest) => {
    const { args, envFrom = [], env = [] } = containerOf(manifest);
    const values: Record<string, string | undefined> = {};
    for (const { configMapRef, secretRef } of envFrom) {
      Object.assign(values, dataOf((configMapRef ?? secretRef)?.name ?? ''));
    }
    for (const { name, value, valueFrom } of env) {
      const key = valueFrom?.configMapKeyRef;
      const pod = valueFrom?.fieldRef && `${manifest.metadata.name}-1`;
      values[name] = value ?? pod ?? (key && dataOf(key.name)[key.key]);
    }
    return {
      name: manifest.metadata.name,
      command: args.at(-1) ?? '',
      env: withoutFiles(values),
      graceS: manifest.spec.template?.spec.terminationGracePeriodSeconds,
    };
  });
}

export type Compose = {
  services: Record<
    string,
    {
      image: string;
      command: string[];
      environment?: Record<string, string | number>;
      stop_grace_period?: string;
      ulimits?: { nofile: string };
      depends_on?: Record<string, unknown>;
    }
  >;
};

/**
 * Returns our services with the environment that docker compose would give them. `settings` replace
 * `${…}`.
 */
export function fromCompose(compose: Compose, settings: Env): Workload[] {
  const ours = Object.entries(compose.services).filter(([, { image }]) => image.startsWith('kaha'));
  return ours.map(([name, { command, environment = {}, stop_grace_period: grace, ulimits }]) => ({
    name,
    command: command.at(-1) ?? '',
    env: Object.fromEntries(
      Object.entries(environment).map(([key, value]) => [
        key,
        interpolate(String(value), settings),
      ]),
    ),
    graceS: grace === undefined ? undefined : Number.parseInt(grace, 10),
    ...(ulimits && { filesMax: Number(interpolate(ulimits.nofile, settings)) }),
  }));
}

function interpolate(text: string, settings: Env): string {
  return text.replace(/\$\{(\w+):-([^}]*)\}/g, (_, name: string, byDefault: string) => {
    return settings[name] ?? byDefault;
  });
}

/** Replaces `NAME_FILE` by `NAME` with some content. */
function withoutFiles(env: Env): Env {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) =>
      name.endsWith('_FILE') ? [name.slice(0, -'_FILE'.length), SECRET] : [name, value],
    ),
  );
}
