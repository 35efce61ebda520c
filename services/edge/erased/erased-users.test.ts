import { Redis } from 'ioredis';
import t from 'tap';
import { redisUrl } from '../../../dev/testing/test-servers.ts';
import { until } from '../../../dev/testing/until.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { NOBODY, newId, type UserId } from '../../../shared/ids.ts';
import { presenceKeys } from '../../../shared/presence/read-presence.ts';
import { readyzOf, setStage, tokenOf } from '../stage/edge-stage.ts';
import { askUpgrade } from '../stage/upgrade.ts';

const stage = await setStage();
t.teardown(() => stage.close());
const router = await stage.startRouter();
const before = newId<UserId>();
stage.erasures.users.push(before);
const edge = await stage.startEdge();
const redis = new Redis(await redisUrl());
t.teardown(() => redis.disconnect());

const get = async (userId: UserId, path = '/presence?user_ids=') => {
  const url = `http://127.0.0.1:${edge.port}/api/v1${path}`;
  const headers = { authorization: `Bearer ${await tokenOf(userId)}` };
  return fetch(`${url}${newId()}`, { headers });
};
/** Tells edges of an erasure as a router does, and as store does from then on. */
const erase = (userId: UserId): void => {
  stage.erasures.users.push(userId);
  router.bus.publish(subjects.erased, JSON.stringify({ user_id: userId }));
};

t.test('an edge that has just started refuses who was erased, at every door', async (t) => {
  const response = await get(before);
  t.equal(response.status, 401);
  t.match(await response.json(), { error: { code: 'UNAUTHENTICATED' } });
  t.equal((await get(newId<UserId>())).status, 200);
  const token = await tokenOf(before);
  const byHeader = await askUpgrade(edge.port, { authorization: `Bearer ${token}` });
  t.equal(byHeader.status, 401);
  const bySubprotocol = await stage.connect(edge, { protocols: ['kaha.v1', `bearer.${token}`] });
  t.equal(await bySubprotocol.closed, 4503);
  const byFrame = await stage.connect(edge);
  byFrame.send({ type: 'auth', token });
  t.equal(await byFrame.closed, 4503);
});

t.test('nobody is no user', async (t) => {
  t.equal((await get(NOBODY)).status, 401);
});

t.test('a session ends with the erasure, and its token is good no more', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  const phone = await stage.open(edge, ann, 'phone');
  const desk = await stage.open(edge, ann, 'desk');
  const other = await stage.open(edge, bob, 'phone');
  erase(ann);
  t.equal(await phone.closed, 4503);
  t.equal(await desk.closed, 4503);
  t.equal((await get(ann)).status, 401);
  other.send({ type: 'ping' });
  await other.next('pong');
});

t.test('who was erased leaves no trace of having been here', async (t) => {
  const ann = newId<UserId>();
  const phone = await stage.open(edge, ann);
  const known = () => redis.exists(presenceKeys.user(ann));
  await until('Redis knows the user', async () => (await known()) === 1);
  erase(ann);
  t.equal(await phone.closed, 4503);
  await until('Redis has forgotten the user', async () => (await known()) === 0);
});

t.test('an edge that was cut off learns what it has not heard', async (t) => {
  const ann = newId<UserId>();
  const phone = await stage.open(edge, ann);
  await stage.nats.kill();
  stage.erasures.users.push(ann);
  await stage.nats.restart();
  t.equal(await phone.closed, 4503);
  await until('the edge serves again', async () => (await get(newId<UserId>())).status === 200);
  t.equal((await get(ann)).status, 401);
});

t.test('a router that refuses to open a session says why', async (t) => {
  const ann = newId<UserId>();
  router.script['session.open'] = () => ({ is_erased: true });
  const client = await stage.connect(edge);
  client.send({ type: 'auth', token: await tokenOf(ann) });
  t.equal(await client.closed, 4503);
});

t.test('an edge is not ready before it knows who was erased', async (t) => {
  stage.erasures.isStoreAway = true;
  const late = await stage.launchEdge('edge-2');
  const readyz = async () => (await fetch(readyzOf(late))).text();
  await until('it says why', async () => /who was erased/.test(await readyz()));
  const call = await fetch(`http://127.0.0.1:${late.port}/api/v1/presence?user_ids=${newId()}`, {
    headers: { authorization: `Bearer ${await tokenOf(newId<UserId>())}` },
  });
  t.equal(call.status, 503);
  stage.erasures.isStoreAway = false;
  await until('it is ready', async () => (await fetch(readyzOf(late))).ok);
});
