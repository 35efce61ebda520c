import t from 'tap';
import { awayPlacesOf } from './away-places.ts';
import { placesOf } from './crowd.ts';

const crowd = {
  connections: 20,
  groupSize: 2,
  sameEdge: false,
  edges: 2,
  workers: 1,
  seed: 'test',
};

t.test('each person has the wanted number of further devices, in no conversation', async (t) => {
  const devices = 2;
  const places = placesOf({ ...crowd, devices }, 0);
  const away = awayPlacesOf(places, { devices, away: 3, edges: 2 });
  t.equal(away.length, 30);
  t.same(new Set(away.map(({ userId }) => userId)), new Set(places.map(({ userId }) => userId)));
  t.ok(away.every(({ conversation, slot }) => conversation === -1 && slot === -1));
  const devicesOf = new Set([...places, ...away].map((place) => place.userId + place.deviceId));
  t.equal(devicesOf.size, places.length + away.length, 'no device is there twice');
});

t.test('the devices of a person connect to different edges', async (t) => {
  const places = placesOf({ ...crowd, devices: 1 }, 0);
  const away = awayPlacesOf(places, { devices: 1, away: 1, edges: 2 });
  t.ok(places.every(({ edge }, person) => away[person]?.edge === 1 - edge));
});

t.test('without further devices nobody is away', async (t) => {
  const places = placesOf({ ...crowd, devices: 1 }, 0);
  t.same(awayPlacesOf(places, { devices: 1, away: 0, edges: 2 }), []);
});
