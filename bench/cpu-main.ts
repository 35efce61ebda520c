import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { profileProcess } from './cpu/inspector.ts';
import { type Cost, summarizeProfile } from './cpu/profile-summary.ts';
import { textTable } from './figures/text-table.ts';
import { readTarget } from './options/target.ts';

const HELP = `Tells which functions of a running stack's services use the CPU, one service after the other.

  npm run bench:cpu -- <name>… [options]       for instance edge-1 router-1 store-1

  --seconds <n>   how long each is profiled (default 20)
  --rows <n>      how many functions are shown of each (default 25)
  --stack <file>  what runs (default .run/stack.json)
  --out <folder>  takes <name>.cpuprofile, for the developer tools of a browser (default .run/cpu)

It gives a service no load: run "npm run bench" beside it.
`;
const SECONDS_MAX = 600;

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
const isValid = seconds > 0 && seconds <= SECONDS_MAX && rows >= 1;
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
  const named = positionals.map((name) => {
    const found = processes.find((process) => process.name === name);
    if (found === undefined) throw new Error(`There is no ${name} in ${values.stack}.`);
    return found;
  });
  mkdirSync(values.out, { recursive: true });
  for (const { name, pid } of named) {
    const profile = await profileProcess(pid, seconds);
    writeFileSync(join(values.out, `${name}.cpuprofile`), JSON.stringify(profile));
    const { totalMs, busyMs, functions, starters } = summarizeProfile(profile);
    const busy = `${busyMs.toFixed(0)} ms busy of ${totalMs.toFixed(0)}`;
    process.stdout.write(
      `\n${name}: ${busy}\n${table('function', functions)}\n\n${table('begun by', starters)}\n`,
    );
  }
}

function table(title: string, costs: readonly Cost[]): string {
  const all = costs.reduce((sum, { ms }) => sum + ms, 0);
  const shown = costs
    .slice(0, rows)
    .map(({ what, ms }) => [what, ms.toFixed(1), ((ms / all) * 100).toFixed(1)]);
  return textTable([title, 'ms', '% of busy'], shown);
}
