import t from 'tap';
import { isUuidV4 } from '../../shared/ids.ts';
import { byConversation, type CrowdOptions, placesOf } from './crowd.ts';

const base: CrowdOptions = {
  connections: 100,
  devices: 1,
  groupSize: 2,
  sameEdge: false,
  edges: 2,
  workers: 1,
  seed: 'test',
};

t.test('pairs sit on different edges, or on the same one if asked', async (t) => {
  for (const sameEdge of [false, true]) {
    const places = placesOf({ ...base, sameEdge }, 0);
    const pairs = byConversation(places, places);
    t.equal(pairs.length, 50);
    for (const [a, b] of pairs) t.equal(a?.edge === b?.edge, sameEdge);
    t.equal(new Set(places.map(({ edge }) => edge)).size, 2);
  }
});

t.test('workers divide the people, and conversations stay whole', async (t) => {
  const options = { ...base, connections: 101, groupSize: 3, devices: 2, workers: 3 };
  const workers = [0, 1, 2].map((worker) => placesOf(options, worker));
  const all = workers.flat();
  t.equal(all.length, 100);
  t.equal(new Set(all.map(({ index }) => index)).size, 100);
  t.equal(new Set(all.map(({ userId }) => userId)).size, 50);
  t.ok(all.every(({ userId }) => isUuidV4(userId)));
  for (const places of workers) {
    for (const sockets of byConversation(places, places)) {
      t.same(
        sockets.map(({ slot }) => slot),
        [0, 1, 2, 3, 4, 5],
      );
      t.equal(new Set(sockets.map(({ userId }) => userId)).size, 3);
    }
  }
  t.equal(all.filter(({ conversation }) => conversation < 0).length, 4, 'two are left over');
});

t.test('the same seed gives the same people', async (t) => {
  t.same(placesOf(base, 0), placesOf(base, 0));
  t.not(placesOf(base, 0)[0]?.userId, placesOf({ ...base, seed: 'other' }, 0)[0]?.userId);
});
