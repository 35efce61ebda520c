import t, { type Test } from 'tap';
import { startStopwatch } from '../../../dev/testing/stopwatch.ts';
import { until } from '../../../dev/testing/until.ts';
import type { UserId } from '../../../shared/ids.ts';
import { type Stage, setStage, userIds } from '../stage/profiles-stage.ts';
import { answerAll, answerNamed } from '../stage/scripted-kaha.ts';

const DAY_MS = 24 * 3_600_000;

async function setScene(t: Test): Promise<{ stage: Stage; user: UserId; key: string }> {
  const stage = await setStage();
  t.teardown(() => stage.close());
  const [user] = userIds(1) as [UserId];
  return { stage, user, key: `profile:user:${user}` };
}

const nameOf = async (stage: Stage, user: UserId) =>
  (await stage.get({ user_ids: [user] })).users[0]?.name;

t.test('a profile is fresh for about a day and is kept for another day', async (t) => {
  const { stage } = await setScene(t);
  await stage.start();
  const users = userIds(200);
  await stage.get({ user_ids: users });
  const fresh = await Promise.all(
    users.map(async (id) => Number(await stage.redis.hget(`profile:user:${id}`, 'fresh_until'))),
  );
  const kept = await Promise.all(users.map((id) => stage.redis.pttl(`profile:user:${id}`)));
  const days = fresh.map((endsAt) => (endsAt - Date.now()) / DAY_MS);
  t.ok(Math.min(...days) > 0.89 && Math.max(...days) <= 1.1, 'jittered by a tenth');
  t.ok(Math.max(...days) - Math.min(...days) > 0.1, 'not all at once');
  t.ok(kept.every((ms, index) => Math.abs(ms / DAY_MS - 1 - (days[index] as number)) < 0.01));
});

t.test(
  'a profile that is no longer fresh is answered at once and refreshed afterwards',
  async (t) => {
    const { stage, user, key } = await setScene(t);
    await stage.redis.hset(key, { name: 'Old', avatar_url: '', user_type: '', fresh_until: '1' });
    let answerLater = (): void => undefined;
    let isGivenUp = false;
    stage.kaha.behave((body, response) => {
      response.once('close', () => {
        isGivenUp = true;
      });
      answerLater = () => answerNamed('New')(body, response);
    });
    await stage.start();
    const watch = startStopwatch();
    t.equal(await nameOf(stage, user), 'Old');
    const tookMs = watch.stop();
    t.notOk(isGivenUp, 'the answer came while kaha-main-v3 was still asked');
    t.ok(tookMs < 200, `${tookMs} ms`);
    await until('kaha-main-v3 is asked', () => stage.kaha.calls.length === 1);
    answerLater();
    await until('the new name is there', async () => (await nameOf(stage, user)) === 'New');
    t.equal((await stage.redis.hgetall(key)).name, 'New');
    t.equal(stage.kaha.calls.length, 1);
  },
);

t.test('a stale marker makes a fresh profile old until the profile is refreshed', async (t) => {
  const { stage, user, key } = await setScene(t);
  const freshUntil = String(Date.now() + DAY_MS);
  await stage.redis.hset(key, {
    name: 'Old',
    avatar_url: '',
    user_type: '',
    fresh_until: freshUntil,
  });
  await stage.redis.set(`profile:stale:user:${user}`, 'marker', 'EX', 300);
  stage.kaha.behave(answerNamed('New'));
  await stage.start();
  t.equal(await nameOf(stage, user), 'Old');
  await until('the new name is there', async () => (await nameOf(stage, user)) === 'New');
  t.equal(await stage.redis.exists(`profile:stale:user:${user}`), 0);
});

t.test(
  'while kaha-main-v3 is away, old profiles are shown and it is asked only now and then',
  async (t) => {
    const { stage, user, key } = await setScene(t);
    await stage.redis.hset(key, { name: 'Old', avatar_url: '', user_type: '', fresh_until: '1' });
    stage.kaha.behave((_, response) => void response.destroy());
    await stage.start();
    for (let times = 0; times < 100; times += 1) t.equal(await nameOf(stage, user), 'Old');
    t.ok(stage.kaha.calls.length <= 2, `${stage.kaha.calls.length} calls for 100 requests`);
    t.equal((await stage.redis.hgetall(key)).name, 'Old');
  },
);

t.test('a user whom an answer lacks keeps the known name', async (t) => {
  const { stage, user, key } = await setScene(t);
  await stage.redis.hset(key, { name: 'Old', avatar_url: '', user_type: '', fresh_until: '1' });
  stage.kaha.behave((_, response) => void response.end('{"users":[],"businesses":[]}'));
  await stage.start();
  t.equal(await nameOf(stage, user), 'Old');
  await until('kaha-main-v3 is asked', () => stage.kaha.calls.length === 1);
  stage.kaha.behave(answerAll);
  t.equal(await nameOf(stage, user), 'Old');
});

t.test('an event sets a stale marker in Redis for five minutes', async (t) => {
  const { stage, user } = await setScene(t);
  await stage.start();
  await stage.publish('kaha.user.profile.updated', { id: user });
  const marker = `profile:stale:user:${user}`;
  await until('the stale marker is set', async () => (await stage.redis.exists(marker)) === 1);
  const ttlMs = await stage.redis.pttl(marker);
  t.ok(ttlMs > 290_000 && ttlMs <= 300_000);
  t.equal(await stage.redis.exists(`profile:user:${user}`), 0, 'nothing is made up');
});
