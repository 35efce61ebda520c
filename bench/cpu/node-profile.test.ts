import t from 'tap';
import { summarizeCosts } from './cost-summary.ts';
import { type NodeProfile, nodeSamples, type ProfileNode } from './node-profile.ts';

const DIST = 'file:///app/dist';
const NATS = 'file:///app/node_modules/nats/lib/protocol.js';

function node(id: number, functionName: string, parts: { url?: string; children?: number[] } = {}) {
  const { url = '', children = [] } = parts;
  const made: ProfileNode = { id, callFrame: { functionName, url, lineNumber: 9 }, children };
  return made;
}

const profile: NodeProfile = {
  nodes: [
    node(1, '(root)', { children: [2, 3, 7, 8] }),
    node(2, '(idle)'),
    node(3, 'listOnTimeout', { url: 'node:internal/timers', children: [4] }),
    node(4, '#refresh', { url: `${DIST}/services/edge/presence/online.js`, children: [5] }),
    node(5, 'publish', { url: `${DIST}/shared/nats/bus.js`, children: [6] }),
    node(6, 'write', { url: NATS }),
    node(7, 'read', { url: NATS }),
    node(8, '(garbage collector)'),
  ],
  samples: [8, 2, 4, 5, 6, 7, 8],
  timeDeltas: [90_000, 10_000, 1_000, 2_000, 3_000, 500, 250],
};
const summary = summarizeCosts(nodeSamples(profile));

t.test('neither idle time nor the start of the profile is busy time', async (t) => {
  t.equal(summary.busyMs, 6.75);
});

t.test('each function has its own time, the longest first', async (t) => {
  t.same(summary.functions, [
    { what: 'write  nats/lib/protocol.js:10', ms: 3 },
    { what: 'publish  shared/nats/bus.js:10', ms: 2 },
    { what: '#refresh  services/edge/presence/online.js:10', ms: 1 },
    { what: 'read  nats/lib/protocol.js:10', ms: 0.5 },
    { what: '(garbage collector)', ms: 0.25 },
  ]);
});

t.test('the outermost function of the project has the time of all it began', async (t) => {
  t.same(summary.starters, [
    { what: '#refresh  services/edge/presence/online.js:10', ms: 6 },
    { what: 'Node and packages by themselves', ms: 0.75 },
  ]);
});
