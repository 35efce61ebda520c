import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { type Cost, type Sample, summarizeCosts } from './cpu/cost-summary.ts';
import { goSamples } from './cpu/go-profile.ts';
import { profileNats } from './cpu/nats-profiler.ts';
import { nodeSamples } from './cpu/node-profile.ts';
import { profileNode } from './cpu/node-profiler.ts';
import { textTable } from './figures/text-table.ts';
import { readTarget, type StackProcess } from './options/target.ts';

const HELP = `Tells which functions of a stack that runs use the CPU, one process after the other.

  npm run bench:cpu -- <name>… [options]       services and nats: edge-1 router-1 store-1 nats

  --seconds <n>   how long each is profiled (default 20)
  --rows <n>      how many functions are shown of each (default 25)
  --stack <file>  what runs (default .run/stack.json)
  --out <folder>  takes <name>.cpuprofile, for the developer tools of a browser, and nats.pb.gz, for
                  "go tool pprof" (default .run/cpu)

It gives the stack no load: run "npm run bench" beside it. Of a service it sees functions only, and
not what Node reads, writes and waits for between them; "npm run bench" tells the whole CPU time.
`;
const SECONDS_MAX = 600;
const NATS_FUNCTION = 'nats-server/';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '20' },
    rows: { type: 'string', default: '25' },
    stack: { type: 'string', default: '.run/stack.json' },
    out: { type: 'string', default: join('.run', 'cpu') },
    help: { type: 'boolean' },
  },
});
const [seconds, rows] = [Number(values.seconds), Number(values.rows)];
const isValid = Number.isInteger(seconds) && seconds >= 1 && seconds <= SECONDS_MAX && rows >= 1;
if (values.help || positionals.length === 0 || !isValid) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 1);
}
try {
  await profileAll();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}

async function profileAll(): Promise<void> {
  const { processes } = readTarget({ stack: values.stack, edges: undefined, kaha: undefined });
  const chosen = positionals.map((name) => {
    const found = processes.find((process) => process.name === name);
    if (found === undefined) throw new Error(`There is no ${name} in ${values.stack}.`);
    return found;
  });
  mkdirSync(values.out, { recursive: true });
  for (const process of chosen) show(process.name, await samplesOf(process));
}

async function samplesOf({ name, service, pid, admin_port: port }: StackProcess) {
  if (service === 'nats' && port !== undefined) {
    const profile = await profileNats(port, seconds);
    writeFileSync(join(values.out, `${name}.pb.gz`), profile);
    return goSamples(gunzipSync(profile), NATS_FUNCTION);
  }
  const profile = await profileNode(pid, { seconds });
  writeFileSync(join(values.out, `${name}.cpuprofile`), JSON.stringify(profile));
  return nodeSamples(profile);
}

function show(name: string, samples: readonly Sample[]): void {
  const { busyMs, functions, starters } = summarizeCosts(samples);
  const busy = `${busyMs.toFixed(0)} ms busy in ${seconds} s`;
  const tables = [table('function', functions, busyMs), table('begun by', starters, busyMs)];
  process.stdout.write(`\n${name}: ${busy}\n${tables.join('\n\n')}\n`);
}

function table(title: string, costs: readonly Cost[], busyMs: number): string {
  const shown = costs
    .slice(0, rows)
    .map(({ what, ms }) => [what, ms.toFixed(1), ((ms / busyMs) * 100).toFixed(1)]);
  return textTable([title, 'ms', '% of busy'], shown);
}
