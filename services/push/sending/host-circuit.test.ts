import t from 'tap';
import type { PushAnswer } from '../providers/provider.ts';
import { HostCircuit } from './host-circuit.ts';

const LOST: PushAnswer = { kind: 'lost', reason: 'timeout' };
const TAKEN: PushAnswer = { kind: 'taken' };

function setCircuit() {
  const clock = { nowMs: 0 };
  const changes: boolean[] = [];
  const circuit = new HostCircuit({
    terms: { failures: 3, firstMs: 1_000, longestMs: 3_000 },
    now: () => clock.nowMs,
    onChange: (isOpen) => void changes.push(isOpen),
  });
  const ask = (answer: PushAnswer) => circuit.run(async () => answer);
  const open = async () => {
    for (let failure = 0; failure < 3; failure += 1) await ask(LOST);
  };
  return { clock, changes, circuit, ask, open };
}

t.test('failures in a row open the circuit, and then nobody asks', async (t) => {
  const { circuit, ask, open, changes } = setCircuit();
  await ask(LOST);
  await ask(LOST);
  await ask(TAKEN);
  t.notOk(circuit.isOpen);
  await open();
  t.ok(circuit.isOpen);
  t.equal(await ask(TAKEN), undefined);
  t.same(changes, [true]);
});

t.test('refusals with a reason are no failures', async (t) => {
  const { circuit, ask } = setCircuit();
  for (let answer = 0; answer < 10; answer += 1) await ask({ kind: 'gone' });
  for (let answer = 0; answer < 10; answer += 1) await ask({ kind: 'slow_down' });
  t.notOk(circuit.isOpen);
});

t.test('one push at a time tries the host again, ever later, until it answers', async (t) => {
  const { clock, circuit, ask, open, changes } = setCircuit();
  await open();
  const waits = [];
  for (let probe = 0; probe < 4; probe += 1) {
    waits.push(circuit.waitMs());
    clock.nowMs += circuit.waitMs();
    await ask(LOST);
  }
  t.same(waits, [1_000, 2_000, 3_000, 3_000]);
  clock.nowMs += circuit.waitMs();
  let answer = (_: PushAnswer): void => undefined;
  const probe = circuit.run(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  t.equal(await ask(TAKEN), undefined, 'another push does not ask meanwhile');
  answer(TAKEN);
  t.same(await probe, TAKEN);
  t.notOk(circuit.isOpen);
  t.same(changes, [true, false]);
});
