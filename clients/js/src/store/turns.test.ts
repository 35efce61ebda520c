import t from 'tap';
import { createTurns } from './turns.ts';

t.test(
  'two requests are under way, two wait in their order, and one more is refused',
  async (t) => {
    const inTurn = createTurns({ atOnceMax: 2, waitingMax: 2 });
    const ends: ((isWell: boolean) => void)[] = [];
    const begun: string[] = [];
    const ask = (name: string): Promise<string> =>
      inTurn(() => {
        begun.push(name);
        return new Promise((resolve, reject) =>
          ends.push((isWell) => (isWell ? resolve(name) : reject(new Error(name)))),
        );
      });
    const asked = ['a', 'b', 'c', 'd'].map(ask);
    await t.rejects(ask('e'), { code: 'TOO_MANY_REQUESTS' });
    t.same(begun, ['a', 'b']);
    const failed = t.rejects(asked[0] as Promise<string>, { message: 'a' });
    ends[0]?.(false);
    await failed;
    ends[1]?.(true);
    t.equal(await asked[1], 'b');
    t.same(begun, ['a', 'b', 'c', 'd'], 'a request that failed gives its turn on too');
    for (const end of ends.slice(2)) end(true);
    t.same(await Promise.all(asked.slice(2)), ['c', 'd']);
    const later = ['f', 'g', 'h'].map(ask);
    t.same(begun.slice(4), ['f', 'g']);
    for (const end of ends.slice(4)) end(true);
    await Promise.all(later.slice(0, 2));
    ends.at(-1)?.(true);
    t.equal(await later[2], 'h');
  },
);
