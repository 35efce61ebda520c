import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../dev/build.ts';
import { wipePostgres } from '../dev/servers/postgres-server.ts';
import { startStack } from '../dev/stack/stack.ts';
import { textTable } from './figures/text-table.ts';
import { measureProfiles } from './profiles/profiles-bench.ts';
import { connectAsEdge, ProfilesTarget } from './profiles/profiles-target.ts';

const HELP = `Measures profiles on a stack of its own, with the kaha-main-v3 stand-in behind it.

  npm run bench:profiles [-- options]

  --seconds <n>       of the warm measurement (default 20)
  --hang-seconds <n>  how long kaha-main-v3 hangs (default 60)

500 requests a second for 50 of 5000 ids each. First all warm; then kaha-main-v3 hangs, while 10
requests a second ask for ids that are in no cache; then Redis is emptied, and once more with a new
process. Ends with 1 where something that was promised is not met.
`;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    'hang-seconds': { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
});
process.exit(values.help ? help() : await bench());

function help(): number {
  process.stdout.write(HELP);
  return 0;
}

async function bench(): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'kaha-bench-'));
  await build();
  const stack = await startStack({
    ...{ runDir: join(dir, 'run'), dataDir: join(dir, 'data'), port: 0, bound: true },
    ...{ edges: 1, routers: 1, stores: 1 },
  });
  try {
    const bus = await connectAsEdge(stack);
    const seconds = Number(values.seconds);
    const hangSeconds = Number(values['hang-seconds']);
    const target = new ProfilesTarget(stack);
    const figures = await measureProfiles({ stack, bus, target, seconds, hangSeconds });
    const rows = figures.map(({ what, measured, promised, isMet }) => [
      ...[what, measured, promised, isMet ? 'met' : 'NOT MET'],
    ]);
    process.stdout.write(`${textTable(['', 'measured', 'promised', ''], rows)}\n`);
    await bus.close();
    return figures.every(({ isMet }) => isMet) ? 0 : 1;
  } finally {
    await stack.stop();
    wipePostgres(join(dir, 'data'));
    rmSync(dir, { recursive: true, force: true });
  }
}
