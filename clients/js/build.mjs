import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildTypes } from './build-types.mjs';

/**
 * Builds the package: `node build.mjs [folder]`. What the entries share stands in
 * chunks of its own, and the names that only the inside of the package uses become short. Names of
 * the contract, of the API, and of what is stored or said between tabs stay as they are.
 */
const INSIDE = [
  ...['on[A-Z]\\w*', 'above', 'accepts', 'afterMs', 'afterSeq', 'answered', 'asking', 'attachment'],
  ...[
    'attempts',
    'catchUp',
    'effects',
    'emitter',
    'filled',
    'findGaps',
    'followed',
    'forget',
    'gap',
    'hasRoom',
  ],
  ...['hear', 'heartbeatMs', 'held', 'isAskedAgain', 'isLeader', 'isRefused', 'lacks', 'lastSeq'],
  ...['lateMs', 'leaveAt', 'openedAt', 'pauseMs', 'pingedAt', 'prefix', 'quietMs'],
  ...['received', 'receivedAt', 'sends'],
  ...[
    'sentAt',
    'setOnline',
    'setServerTime',
    'settled',
    'tickets',
    'tokens',
    'told',
    'unsent',
    'upToQ',
  ],
  ...['upToSeq', 'versions', 'watchers'],
];
/** Tests of an application may replace these parts of the surroundings. */
const OF_PLATFORM = /^on(?:Wake|Hide)$/;

const ENTRIES = ['index', 'store/index', 'business/index', 'devices/index', 'react/index'];

const outdir = process.argv[2] ?? join(import.meta.dirname, 'dist');
rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints: ENTRIES.map((entry) => `src/${entry}.ts`),
  absWorkingDir: import.meta.dirname,
  outdir,
  bundle: true,
  external: ['react'],
  splitting: true,
  format: 'esm',
  target: 'es2022',
  chunkNames: 'shared-[hash]',
  mangleProps: new RegExp(`^(?:${INSIDE.join('|')})$`),
  reserveProps: OF_PLATFORM,
  sourcemap: true,
});
buildTypes(ENTRIES, outdir);
