import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createEdgeMetrics } from '../edge-metrics.ts';
import { Hub } from '../session/hub.ts';
import { Session } from '../session/session.ts';
import type { SigningKey } from '../tokens/signing-key.ts';
import { SessionSweep } from './session-sweep.ts';

const START = 1_000_000;
const WALL = Date.parse('2026-11-21T10:00:00Z');

function rig(changes: Partial<Session> = {}) {
  const hub = new Hub(createEdgeMetrics(createMetrics('test', 'edge-1')));
  const sweep = new SessionSweep(hub);
  sweep.close();
  const session = new Session(START);
  const sent: string[] = [];
  let closedWith: number | undefined;
  session.socket = {
    send: (frame) => sent.push(String(frame)) && 1,
    getBufferedAmount: () => 0,
    end(code) {
      closedWith = code;
      session.state = 'closed';
    },
    close: () => undefined,
    cork: (write) => write(),
  };
  Object.assign(session, { state: 'open', userId: newId<UserId>(), tokenEndsAt: 1e15, ...changes });
  hub.sessions.add(session);
  /** The edge was stopped for `stoppedMs` before this sweep. */
  const at = (afterMs: number, stoppedMs = 0): number | undefined => {
    const nowMs = START + afterMs;
    const readMs = stoppedMs === 0 ? nowMs : nowMs - 500 - stoppedMs;
    sweep.sweep({ nowMs, readMs, wallMs: WALL + afterMs });
    return closedWith;
  };
  return { hub, session, sent, at };
}

t.test('a socket is closed 4012 after 30 s without a frame; a frame starts it anew', async (t) => {
  const { session, at } = rig();
  t.equal(at(30_000), undefined);
  session.lastFrameAt = START + 30_000;
  t.equal(at(60_000), undefined);
  t.equal(at(60_001), 4012);
});

t.test('a socket is closed with 4502 after 5 s, even while its token is verified', async (t) => {
  for (const state of ['connected', 'verifying'] as const) {
    const { at } = rig({ state });
    t.equal(at(4_999), undefined);
    t.equal(at(5_000), 4502);
  }
  t.equal(rig({ state: 'opening' }).at(6_000), undefined);
});

t.test('the end of a token is told once, 60 s before, and closes the socket 4005', async (t) => {
  const { session, sent, at } = rig({ tokenEndsAt: WALL + 70_000 });
  t.equal(at(9_999), undefined);
  t.same(sent, []);
  at(10_000);
  at(20_000);
  const expires_at = new Date(WALL + 70_000).toISOString();
  t.same(
    sent.map((frame) => JSON.parse(frame)),
    [{ type: 'token_expiring', expires_at }],
  );
  session.lastFrameAt = START + 69_000;
  t.equal(at(70_000), 4005);
});

t.test('a session goes with the key of its token, and 1000 of them in one sweep', async (t) => {
  const tokenKey = { isWithdrawn: false } as SigningKey;
  for (const state of ['opening', 'open'] as const) {
    const { at } = rig({ state, tokenKey });
    t.equal(at(1), undefined);
    tokenKey.isWithdrawn = true;
    t.equal(at(2), 4500);
    tokenKey.isWithdrawn = false;
  }
  const { hub, session, at } = rig({ tokenKey });
  for (let n = 1; n < 1_200; n += 1) {
    const other = Object.assign(new Session(START), { state: 'open', tokenKey });
    other.tokenEndsAt = 1e15;
    other.socket = { ...session.socket, end: () => hub.sessions.delete(other) } as never;
    hub.sessions.add(other);
  }
  tokenKey.isWithdrawn = true;
  at(3);
  t.equal(hub.sessions.size, 201, 'the first of them stays in the set of this rig');
  at(4);
  t.equal(hub.sessions.size, 1);
});

t.test('a stop of the edge counts against no client, and silence goes on behind it', async (t) => {
  const streams: number[][] = [];
  const stream = {
    isAcknowledgementLate: () => false,
    excuse: (nowMs: number, stoppedMs: number) => streams.push([nowMs - START, stoppedMs]),
  } as never;
  const { session, at } = rig({ stream });
  t.equal(at(20_000), undefined);
  t.equal(at(55_500, 35_000), undefined, 'the edge was stopped from 20.5 s on');
  t.equal(at(65_000), undefined);
  t.equal(at(65_001), 4012, 'the client was silent for 30 s in which the edge could have read');
  t.same(streams, [[55_500, 35_000]]);
  t.equal(session.connectedAt, START + 35_000);
});

t.test('a frame that was read right after a stop is not taken for a later one', async (t) => {
  const { session, at } = rig();
  session.lastFrameAt = START + 34_999;
  t.equal(at(35_000, 34_500), undefined);
  t.equal(session.lastFrameAt, START + 35_000);
  t.equal(at(65_001), 4012);
});

t.test('a stop does not keep a socket from the end of its token, nor a silent one', async (t) => {
  t.equal(rig({ tokenEndsAt: WALL + 30_000 }).at(36_000, 35_000), 4005);
  const { at } = rig();
  t.equal(at(30_500, 500), undefined, 'it was silent for 29.5 s before');
  t.equal(at(31_500, 500), undefined);
  t.equal(at(31_501), 4012, 'stops of half a second each do not keep it for ever');
});

t.test('a stop gives a socket that waits for its token the whole 5 s', async (t) => {
  const { at } = rig({ state: 'connected' });
  t.equal(at(14_500, 10_000), undefined);
  t.equal(at(14_999), undefined);
  t.equal(at(15_000), 4502);
});

t.test('a socket whose acknowledgement is late is closed with 4013', async (t) => {
  const stream = { isAcknowledgementLate: (nowMs: number) => nowMs > START + 9 } as never;
  t.equal(rig({ stream }).at(9), undefined);
  t.equal(rig({ stream }).at(10), 4013);
});
