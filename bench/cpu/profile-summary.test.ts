import t from 'tap';
import { type CpuProfile, type ProfileNode, summarizeProfile } from './profile-summary.ts';

const DIST = 'file:///app/dist';

function node(id: number, functionName: string, url = '', children: number[] = []): ProfileNode {
  return { id, callFrame: { functionName, url, lineNumber: 9 }, children };
}

const profile: CpuProfile = {
  nodes: [
    node(1, '(root)', '', [2, 3, 7, 8]),
    node(2, '(idle)'),
    node(3, 'listOnTimeout', 'node:internal/timers', [4]),
    node(4, '#refresh', `${DIST}/services/edge/presence/online.js`, [5]),
    node(5, 'publish', `${DIST}/shared/nats/bus.js`, [6]),
    node(6, 'write', 'file:///app/node_modules/nats/lib/protocol.js'),
    node(7, 'read', 'file:///app/node_modules/nats/lib/protocol.js'),
    node(8, '(garbage collector)'),
  ],
  samples: [2, 4, 5, 6, 7, 8],
  timeDeltas: [10_000, 1_000, 2_000, 3_000, 500, 250],
};

t.test('time in which nothing ran is not busy time', async (t) => {
  t.match(summarizeProfile(profile), { totalMs: 16.75, busyMs: 6.75 });
});

t.test('each function has its own time, the longest first', async (t) => {
  t.same(summarizeProfile(profile).functions, [
    { what: 'write  nats/lib/protocol.js:10', ms: 3 },
    { what: 'publish  shared/nats/bus.js:10', ms: 2 },
    { what: '#refresh  services/edge/presence/online.js:10', ms: 1 },
    { what: 'read  nats/lib/protocol.js:10', ms: 0.5 },
    { what: '(garbage collector)', ms: 0.25 },
  ]);
});

t.test('the outermost function of ours has the time of all it started', async (t) => {
  t.same(summarizeProfile(profile).starters, [
    { what: '#refresh  services/edge/presence/online.js:10', ms: 6 },
    { what: 'Node and packages by themselves', ms: 0.75 },
  ]);
});
