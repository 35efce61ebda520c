import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Gives a process another wall clock. `node --import` loads this file before the code of the
 * process. The file `<INSTANCE>` in the folder CLOCKS_DIR says by how many milliseconds the clock
 * is wrong. It is read at the start and at each SIGUSR2, and `<INSTANCE>.set` then says the same.
 * What is measured by `performance.now()`, and all timers, go on as they are. A second number in
 * the file lets the process stand for so long, as a machine does that is stopped amid its work.
 */
const { CLOCKS_DIR = '.', INSTANCE = '' } = process.env;
const place = join(CLOCKS_DIR, INSTANCE);
const RealDate = Date;
const realNow = Date.now;
let aheadMs = 0;

function set() {
  const text = readFileSync(place, 'utf8');
  const [ahead, hangMs = 0] = text.split(' ').map(Number);
  aheadMs = ahead;
  writeFileSync(`${place}.set`, text);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, hangMs);
}

const now = () => realNow() + aheadMs;

globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now()).toString(),
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
});
set();
process.on('SIGUSR2', set);
