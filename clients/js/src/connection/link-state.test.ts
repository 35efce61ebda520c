import t from 'tap';
import { IDLE, type LinkInput, type LinkState, next, wakeAt } from './link-state.ts';

const NOW = 1_000_000;

/** Plays inputs at given times, and returns the state with the effects of the last input. */
function play(inputs: readonly (LinkInput & { after?: number })[], from: LinkState = IDLE) {
  let [state, now, effects]: [LinkState, number, readonly string[]] = [from, NOW, []];
  for (const { after = 0, ...input } of inputs) {
    now += after;
    const step = next(state, input as LinkInput, { now, random: 1 });
    state = step.state;
    effects = step.effects;
  }
  const wake = wakeAt(state);
  return { state, effects, wakeAfter: wake === undefined ? undefined : wake - now };
}

const CONNECT = { is: 'connect' } as const;
const TOKEN = { is: 'token' } as const;
const TICK = { is: 'tick', lateMs: 0 } as const;
const RECEIVED = { is: 'received' } as const;
const AUTH_OK = { is: 'auth_ok', heartbeatMs: 15_000 } as const;
const OPENING = [CONNECT, TOKEN];
const OPEN = [...OPENING, AUTH_OK];
const closed = (code: number, more: object = {}): LinkInput & { after?: number } => {
  return { is: 'closed', code, reason: '', ...more };
};

t.test('the link asks for a token, opens a socket, and is open after auth_ok', async (t) => {
  t.match(play([CONNECT]), { state: { at: 'token' }, effects: ['token'] });
  t.match(play(OPENING), { state: { at: 'opening' }, effects: ['open'] });
  t.match(play(OPEN), { state: { at: 'open' }, wakeAfter: 12_000 });
  t.match(play([...OPEN, CONNECT]), { state: { at: 'open' }, effects: [] });
});

t.test('each attempt waits longer, up to 20 s, and a good connection begins anew', async (t) => {
  const again = [{ ...TICK, after: 20_000 }, TOKEN, closed(1006)];
  t.equal(play([...OPENING, closed(1006)]).wakeAfter, 500);
  t.equal(play([...OPENING, closed(1006), ...again]).wakeAfter, 1_000);
  t.equal(play([...OPENING, closed(1006), ...Array(9).fill(again).flat()]).wakeAfter, 20_000);
  const opened = [{ ...TICK, after: 20_000 }, TOKEN, AUTH_OK];
  const shortLived = play([...OPENING, closed(1006), ...opened, closed(4001, { after: 9_000 })]);
  t.equal(shortLived.wakeAfter, 1_000, 'a server that closes soon is not asked faster');
  const longLived = play([...OPENING, closed(1006), ...opened, closed(4001, { after: 10_000 })]);
  t.equal(longLived.wakeAfter, 500);
});

t.test('Retry-After is waited for, and the jitter comes on top', async (t) => {
  t.equal(play([...OPENING, closed(1006, { pauseMs: 7_000 })]).wakeAfter, 7_500);
});

t.test('4000-4499 and codes of the network come back, 4500-4999 do not', async (t) => {
  for (const code of [1000, 1001, 1006, 1011, 4000, 4001, 4008, 4012, 4013, 4499]) {
    t.equal(play([...OPEN, closed(code)]).state.at, 'waiting', String(code));
  }
  for (const code of [4501, 4502, 4503, 4504, 4505, 4999]) {
    const { state, wakeAfter } = play([...OPEN, closed(code)]);
    t.match(
      { state, wakeAfter },
      { state: { at: 'suspended', why: { code } }, wakeAfter: undefined },
    );
  }
});

t.test('a refused token is replaced once, and then the client is suspended', async (t) => {
  const first = play([...OPENING, closed(4500)]);
  t.equal(first.state.at, 'waiting');
  const asked = play([{ ...TICK, after: 20_000 }], first.state);
  t.same(asked.effects, ['fresh token']);
  t.equal(play([TOKEN, closed(4500)], asked.state).state.at, 'suspended');
  t.equal(play([TOKEN, closed(1006)], asked.state).state.at, 'waiting');
  const later = play([TOKEN, AUTH_OK, closed(4500)], asked.state);
  t.equal(later.state.at, 'waiting', 'a session ends with a token that was good');
});

t.test('a token that ended on the open socket is replaced', async (t) => {
  const { state } = play([...OPEN, closed(4005)]);
  t.same(play([{ ...TICK, after: 20_000 }], state).effects, ['fresh token']);
});

t.test('a suspended client that the application connects asks for a fresh token', async (t) => {
  const { state } = play([...OPEN, closed(4505)]);
  t.match(play([{ is: 'woken' }], state).state, { at: 'suspended' });
  t.same(play([CONNECT], state).effects, ['fresh token']);
});

t.test('getToken that fails, or never ends, is tried again', async (t) => {
  t.match(play([CONNECT, { is: 'no token' }]), { state: { at: 'waiting' }, wakeAfter: 500 });
  t.match(play([CONNECT, { ...TICK, after: 30_000 }]), { state: { at: 'waiting' } });
  t.match(play([...OPENING, { is: 'no token' }]).state, { at: 'opening' });
});

t.test('a server that does not answer is left after 10 s', async (t) => {
  t.equal(play(OPENING).wakeAfter, 10_000);
  const { state, effects } = play([...OPENING, { ...TICK, after: 10_000 }]);
  t.match({ state, effects }, { state: { at: 'waiting' }, effects: ['close'] });
});

t.test('a quiet link is pinged after 12 s, and dead 8 s later', async (t) => {
  const pinged = play([...OPEN, { ...TICK, after: 12_000 }]);
  t.match(pinged, { effects: ['ping'], wakeAfter: 8_000 });
  const dead = play([...OPEN, { ...TICK, after: 12_000 }, { ...TICK, after: 8_000 }]);
  t.match(dead, { state: { at: 'waiting', why: { reason: 'dead link' } }, effects: ['close'] });
  const answered = [...OPEN, { ...TICK, after: 12_000 }, { ...RECEIVED, after: 100 }];
  t.match(play([...answered, { ...TICK, after: 7_900 }]), { state: { at: 'open' }, effects: [] });
});

t.test('a link that only receives, or only sends, is pinged too', async (t) => {
  const receiving = [...OPEN, { ...RECEIVED, after: 11_000 }, { ...TICK, after: 1_000 }];
  t.same(play(receiving).effects, ['ping'], 'the server wants a frame each 15 s');
  const sending = [...OPEN, { is: 'sent', after: 11_000 } as const, { ...TICK, after: 1_000 }];
  t.same(play(sending).effects, ['ping']);
  const both = [...OPEN, RECEIVED, { is: 'sent' } as const].map((input) => ({ ...input }));
  const busy = [...both, { ...RECEIVED, after: 9_000 }, { is: 'sent' } as const];
  t.match(play([...busy, { ...TICK, after: 3_000 }]), { effects: [], wakeAfter: 9_000 });
});

t.test('a machine that slept asks once more before its verdict', async (t) => {
  const late = (lateMs: number) => ({ is: 'tick', lateMs, after: 8_000 + lateMs }) as const;
  const slept = play([...OPEN, { ...TICK, after: 12_000 }, late(60_000)]);
  t.match(slept, { state: { at: 'open' }, effects: ['ping'], wakeAfter: 8_000 });
  t.match(play([late(0)], slept.state).state, { at: 'open' }, 'played at an earlier time');
  const again = play([...OPEN, { ...TICK, after: 12_000 }, late(60_000), late(60_000)]);
  t.equal(again.state.at, 'waiting', 'timers that are always late do not keep a dead link');
});

t.test('a page that wakes tries at once, and pings a link that it cannot trust', async (t) => {
  const waiting = play([...OPENING, closed(1006, { pauseMs: 60_000 })]);
  t.equal(play([{ is: 'woken' }], waiting.state).wakeAfter, 500);
  const woken = { is: 'woken', after: 5_000 } as const;
  t.same(play([...OPEN, woken]).effects, ['ping']);
  t.same(play([...OPEN, { ...woken, after: 1_000 }]).effects, []);
  t.same(play([...OPEN, woken, woken]).effects, []);
  t.match(play([{ is: 'woken' }]).state, { at: 'idle' });
});

t.test(
  'a client that is sent away leaves when it is told to, and comes back at once',
  async (t) => {
    const told = [...OPEN, { is: 'going away', afterMs: 3_000 } as const];
    t.equal(play(told).wakeAfter, 3_000);
    t.match(play([...told, { ...TICK, after: 3_000 }]), {
      state: { at: 'token' },
      effects: ['close', 'token'],
    });
    t.match(play([...told, closed(4000)]), { state: { at: 'waiting' } });
  },
);

t.test('disconnect ends every state, and what comes later changes nothing', async (t) => {
  const disconnect = { is: 'disconnect' } as const;
  t.match(play([...OPEN, disconnect]), { state: IDLE, effects: ['close'], wakeAfter: undefined });
  t.match(play([CONNECT, disconnect, TOKEN]), { state: IDLE, effects: [] });
  t.match(play([...OPEN, disconnect, closed(1006)]), { state: IDLE, effects: [] });
  t.match(play([...OPEN, closed(4505), disconnect]), { state: IDLE, effects: [] });
});
