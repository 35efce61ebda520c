import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { SERVICE_NAMES, type ServiceName } from '../dev/stack/services.ts';
import { loadConfig as loadEdge } from '../services/edge/config.ts';
import { loadConfig as loadProfiles } from '../services/profiles/config.ts';
import { loadConfig as loadPush } from '../services/push/config.ts';
import { loadConfig as loadRetention } from '../services/retention/config.ts';
import { loadConfig as loadRouter } from '../services/router/config.ts';
import { loadStreamsConfig } from '../services/router/streams-config.ts';
import { loadMigrateConfig, loadConfig as loadStore } from '../services/store/config.ts';
import { kindOf } from '../shared/contracts/permissions.ts';
import { USER_KINDS } from '../shared/contracts/traffic.ts';
import type { Env } from '../shared/process/env.ts';
import {
  type Compose,
  containerOf,
  fromCompose,
  fromKubernetes,
  isWorkload,
  type Manifest,
  type Workload,
} from './manifests/workloads.ts';

/**
 * The tests check that Kubernetes and docker compose set only what the services understand, and all
 * that they need.
 */
const root = process.cwd();
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

type Loader = (env: Env, filesMax?: number) => unknown;

const SERVICE_LOADERS: Record<ServiceName, Loader> = {
  edge: loadEdge,
  router: loadRouter,
  store: loadStore,
  profiles: loadProfiles,
  retention: loadRetention,
  push: loadPush,
};
const LOADERS: Record<string, Loader> = {
  ...Object.fromEntries(
    SERVICE_NAMES.map((service) => [`dist/services/${service}/main.js`, SERVICE_LOADERS[service]]),
  ),
  'dist/services/store/migrate-main.js': loadMigrateConfig,
  'dist/services/router/streams-main.js': loadStreamsConfig,
};
/** Beyond the drain, a pod needs this long for its preStop and for closing what is open. */
const CLOSE_S = 15;

const k8sFiles = readdirSync(join(root, 'k8s')).filter(
  (name) => name.endsWith('.yaml') && name !== 'kustomization.yaml',
);
const documents = k8sFiles.flatMap((name) => parseAllDocuments(read(`k8s/${name}`)));
const manifests = documents.map((document) => document.toJS() as Manifest);
const manifestsWithSecrets = manifests.map((one) => {
  if (one.kind !== 'Secret' || one.stringData === undefined) return one;
  return { ...one, stringData: drawSecrets(one.stringData) };
});
const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const settings = {
  POSTGRES_PASSWORD: secret(),
  CONTENT_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  LOG_HASH_KEY: secret(),
  KAHA_URL: 'https://kaha.example',
  KAHA_SERVICE_TOKEN: secret(),
  PUSH_HASH_KEY: secret(),
  JWT_JWKS_URL: 'https://kaha.example/jwks.json',
  JWT_ISSUER: 'https://kaha.example',
  JWT_AUDIENCE: 'kaha-chat',
  ...Object.fromEntries(seedNames().map((name) => [name, 'seed'])),
};

t.test('every manifest is valid YAML', async (t) => {
  const errors = documents.flatMap((document) => document.errors.map(({ message }) => message));
  t.same(errors, []);
  t.ok(manifests.every(({ kind }) => typeof kind === 'string'));
});

t.test('k8s: no service starts with a secret of the example', async (t) => {
  for (const { command, env } of fromKubernetes(manifests)) {
    const drawn = drawSecrets(env);
    for (const name of Object.keys(env).filter((key) => env[key] !== drawn[key])) {
      const problem = new RegExp(`^  ${name}\\b`, 'm');
      const load = (): unknown => LOADERS[command]?.({ ...drawn, [name]: env[name] });
      t.throws(load, { message: problem }, `${command}: ${name}`);
    }
  }
  const examples = manifests.flatMap(({ stringData = {} }) =>
    Object.keys(stringData).filter((name) => stringData[name]?.includes('<')),
  );
  for (const name of [
    'LOG_HASH_KEY',
    'CONTENT_KEYS',
    'KAHA_SERVICE_TOKEN',
    'SERVICE_TOKENS',
    'PUSH_HASH_KEY',
  ]) {
    t.ok(examples.includes(name), `${name} is one`);
  }
});

for (const [where, workloads] of [
  ['k8s', fromKubernetes(manifestsWithSecrets)],
  ['docker-compose.yml', fromCompose(compose, settings)],
] as const) {
  t.test(`${where}: every command exists and understands its environment`, async (t) => {
    t.same(commandsOf(workloads), Object.keys(LOADERS).sort());
    for (const { name, command, env, filesMax } of workloads) {
      t.ok(existsSync(join(root, sourceOf(command))), `${name}: ${command}`);
      const known = knownNames(command);
      const unknown = Object.keys(env).filter((key) => !known.has(key));
      t.same(unknown, [], `${name}: every variable is one that is read`);
      t.doesNotThrow(() => LOADERS[command]?.(env, filesMax), `${name}: nothing is missing`);
    }
  });

  t.test(`${where}: the time to stop fits the drain`, async (t) => {
    const drains = workloads.filter(({ env }) => env.DRAIN_MS !== undefined);
    t.ok(drains.length > 0);
    for (const { name, env, graceS = 0 } of drains) {
      t.ok(graceS >= Number(env.DRAIN_MS) / 1000 + CLOSE_S, name);
    }
  });
}

t.test('k8s: each reference to a workload finds one', async (t) => {
  const workloads = manifests.filter(isWorkload);
  const named = (name: string, kind: string) =>
    workloads.some((one) => one.kind === kind && one.metadata.name === name);
  for (const { kind, metadata, spec } of manifests) {
    const target = spec?.scaleTargetRef;
    if (target !== undefined) t.ok(named(target.name, target.kind), `${kind} ${metadata.name}`);
    const selector = spec?.selector?.matchLabels ?? spec?.selector;
    if (selector === undefined) continue;
    const matches = workloads.filter(({ spec: { template } }) =>
      Object.entries(selector).every(([key, value]) => template?.metadata.labels[key] === value),
    );
    t.equal(matches.length, 1, `${kind} ${metadata.name} selects one`);
  }
});

t.test('k8s: the ingress has the settings that are documented for nginx', async (t) => {
  const [common = '', rest = '', sockets = ''] =
    read('docs/proxies/nginx.conf').split('  location ');
  const annotated = { edge: common + rest, 'edge-sockets': common + sockets };
  for (const [name, text] of Object.entries(annotated)) {
    const { metadata } =
      manifests.find((one) => one.metadata.name === name && isIngress(one)) ?? {};
    for (const [key, value] of Object.entries(metadata?.annotations ?? {})) {
      const directive = INGRESS_NAMES[baseOf(key)] ?? baseOf(key).replaceAll('-', '_');
      t.equal(value, lastValue(text, directive), `${name}: ${directive}`);
    }
  }
  const controller = manifests.find(({ metadata }) => metadata.name === 'ingress-nginx-controller');
  for (const key of [
    'large-client-header-buffers',
    'client-header-timeout',
    'client-body-timeout',
  ]) {
    t.equal(controller?.data?.[key], lastValue(common, key.replaceAll('-', '_')), key);
  }
});

const INGRESS_NAMES: Readonly<Record<string, string>> = {
  'proxy-body-size': 'client_max_body_size',
};
const isIngress = ({ kind }: Manifest): boolean => kind === 'Ingress';
const baseOf = (annotation: string): string => annotation.replace(/^.*\//, '');

/** Returns the value that nginx uses, without the unit of seconds. An inner value stands last. */
function lastValue(text: string, directive: string): string | undefined {
  const values = [...text.matchAll(new RegExp(`^ +${directive} (.+);$`, 'gm'))];
  return values.at(-1)?.[1]?.replace(/^(\d+)s$/, '$1');
}

/** Postgres accepts this many connections unless it is told otherwise, and keeps 3 aside. */
const CONNECTIONS_MAX = 100 - 3;
/** A roll-out adds a pod, and a migration opens a few connections. */
const ROLLOUT = { pods: 1, connections: 4 };

t.test('k8s: Postgres accepts the connections of as many stores as may run', async (t) => {
  const scaler = manifests.find(({ spec }) => spec?.scaleTargetRef?.name === 'store');
  const workloads = fromKubernetes(manifestsWithSecrets);
  const store = workloads.find(({ command }) => command.includes('store/main'));
  const { poolMax } = loadStore(store?.env ?? {}).database;
  const pods = (scaler?.spec.maxReplicas ?? Number.NaN) + ROLLOUT.pods;
  t.ok(pods * poolMax + ROLLOUT.connections <= CONNECTIONS_MAX, `${pods} × ${poolMax}`);
});

/** kaha-main-v3 runs elsewhere, and no workload consumes the feed. */
const ELSEWHERE: readonly string[] = ['kaha', 'feed'];

t.test(
  'k8s: workloads mount the seeds of all NATS users that run here, and no others',
  async (t) => {
    const mounts = manifests
      .filter(isWorkload)
      .flatMap((one) => containerOf(one).volumeMounts ?? []);
    const kinds = mounts.map(({ subPath, subPathExpr }) => {
      const file = subPath ?? subPathExpr?.replace('$(INSTANCE)', 'edge-1') ?? '';
      return kindOf(file.replace(/\.seed$/, ''));
    });
    t.same(kinds.sort(), USER_KINDS.filter((kind) => !ELSEWHERE.includes(kind)).sort());
  },
);

t.test('k8s: a network policy lets each workload reach NATS that has a seed', async (t) => {
  const policy = manifests.find(
    ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'nats',
  );
  const allowed = policy?.spec.podSelector?.matchExpressions?.flatMap(({ values }) => values) ?? [];
  const seeded = manifests.filter(
    (one) => isWorkload(one) && (containerOf(one).volumeMounts ?? []).length > 0,
  );
  t.same(allowed.sort(), seeded.map(({ metadata }) => metadata.name).sort());
});

t.test('the image and the kustomization name files that exist', async (t) => {
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)];
  const files = copied.flatMap(([, sources = '']) => sources.split(' '));
  const { resources } = parse(read('k8s/kustomization.yaml')) as { resources: string[] };
  for (const path of [...files, ...resources.map((name) => `k8s/${name}`)]) {
    t.ok(existsSync(join(root, path)), path);
  }
});

function commandsOf(workloads: readonly Workload[]): string[] {
  return [...new Set(workloads.map(({ command }) => command))].sort();
}

/** Turns `dist/services/edge/main.js` into `services/edge/main.ts`. */
function sourceOf(command: string): string {
  return command.replace(/^dist\//, '').replace(/\.js$/, '.ts');
}

/** Returns the variables that the command, its configuration and the shared part read. */
function knownNames(command: string): Set<string> {
  const source = sourceOf(command);
  const own = source.replace(/main\.ts$/, 'config.ts');
  const parts = join(dirname(source), 'providers-config.ts');
  const configs = new Set([join(dirname(source), 'config.ts'), own]);
  const files = [source, ...configs, parts, 'shared/process/env.ts'].filter((path) =>
    existsSync(join(root, path)),
  );
  const names = files.flatMap((path) =>
    [...read(path).matchAll(/reader\.\w+\(\s*'([A-Z][A-Z0-9_]*)'/g)].map(([, name]) => name ?? ''),
  );
  return new Set(names);
}

function seedNames(): string[] {
  return [...read('docker-compose.yml').matchAll(/\$\{(\w+_SEED):-\}/g)].map(
    ([, name = '']) => name,
  );
}

function secret(): string {
  return randomBytes(24).toString('hex');
}

/** Puts a secret in the place of each `<how to make one>`. */
function drawSecrets<Values extends Env>(values: Values): Values {
  const entries = Object.entries(values).map(([name, value]) => {
    const drawn = value?.includes('base64') ? randomBytes(32).toString('base64') : secret();
    return [name, value?.replace(/<[^>]*>/, drawn)];
  });
  return Object.fromEntries(entries);
}
