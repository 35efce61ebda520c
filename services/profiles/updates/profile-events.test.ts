import t, { type Test } from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { decodeLive } from '../../../shared/contracts/events.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import { type Stage, setStage, startRedisProxy, userIds } from '../stage/profiles-stage.ts';
import { answerAll, answerNamed } from '../stage/scripted-kaha.ts';

/** This many requests are sent at once, so that every instance surely gets some. */
const ASKED = 40;

async function setScene(t: Test, instances = 2) {
  const stage = await setStage();
  t.teardown(() => stage.close());
  const servers = [];
  for (let index = 0; index < instances; index += 1) servers.push(await stage.start());
  const [user] = userIds(1) as [UserId];
  return { stage, servers, user };
}

async function namesOf(stage: Stage, user: UserId): Promise<Set<string>> {
  const body = { user_ids: [user] };
  const replies = await Promise.all(Array.from({ length: ASKED }, () => stage.get(body)));
  return new Set(replies.flatMap(({ users }) => users.map(({ name }) => name)));
}

/** Returns the list that collects the events of `user.<user>`. */
function listen(stage: Stage, userId: UserId): unknown[] {
  const events: unknown[] = [];
  stage.edge.subscribe(subjects.user(userId), ({ data }) => {
    events.push(parseJson(decodeLive(data)?.body ?? data));
  });
  return events;
}

t.test(
  'an event reaches every instance and everybody who sees the profile within a second',
  async (t) => {
    const { stage, user } = await setScene(t, 3);
    const viewers = [user, ...userIds(4)];
    const heard = viewers.map((viewer) => listen(stage, viewer));
    const [stranger] = userIds(1) as [UserId];
    const strangers = listen(stage, stranger);
    stage.contacts.set(user, viewers);
    await stage.edge.nc.flush();
    t.same(await namesOf(stage, user), new Set([`Name of ${user}`]));
    stage.kaha.behave(answerNamed('New'));
    const publishedAt = Date.now();
    await stage.publish(subjects.userProfileUpdated, { id: user });
    await until('both are told', () => heard.every(({ length }) => length > 0));
    const tookMs = Date.now() - publishedAt;
    t.same(
      await namesOf(stage, user),
      new Set(['New']),
      'every instance has the new name once viewers are told',
    );
    t.ok(tookMs < 1_000, `${tookMs} ms`);
    const event = { type: 'profile_updated', user_id: user };
    t.same(heard, Array(5).fill([event]), 'each viewer is told once');
    t.same(strangers, []);
    t.equal(await stage.redis.exists(`profile:stale:user:${user}`), 0);
  },
);

t.test('many events at once are carried out together, not one by one', async (t) => {
  const { stage } = await setScene(t, 3);
  const users = userIds(200);
  for (let start = 0; start < users.length; start += 20) {
    await stage.get({ user_ids: users.slice(start, start + 20) });
  }
  stage.kaha.behave(answerNamed('New'));
  const before = stage.kaha.calls.length;
  await Promise.all(users.map((id) => stage.publish(subjects.userProfileUpdated, { id })));
  const isDone = async (id: UserId) => {
    const hash = await stage.redis.hgetall(`profile:user:${id}`);
    return hash.name === 'New' || hash.fresh_until === '0';
  };
  await until('all are refreshed', async () =>
    (await Promise.all(users.map(isDone))).every(Boolean),
  );
  const asked = stage.kaha.calls.length - before;
  t.ok(asked <= users.length / 4, `${asked} calls for ${users.length} events`);
});

t.test('a business that changed is told to those who have a conversation with it', async (t) => {
  const { stage, user } = await setScene(t, 1);
  const heard = listen(stage, user);
  await stage.edge.nc.flush();
  let asked = 1;
  // If Redis answers late, the instance cannot know whether the profile is held, and asks for it.
  for (let tries = 1; tries <= 3 && asked > 0; tries += 1) {
    const business = newId<string>();
    stage.contacts.set(business, [user]);
    const before = stage.kaha.calls.length;
    await stage.publish(subjects.businessProfileUpdated, { id: business });
    await until('each change is told', () => heard.length === tries);
    t.same(heard.at(-1), { type: 'profile_updated', business_id: business });
    asked = stage.kaha.calls.length - before;
  }
  t.equal(asked, 0, 'a profile that nobody holds is not asked for');
});

t.test(
  'while kaha-main-v3 is away after an event, the old name is shown, and the new one later',
  async (t) => {
    const { stage, user } = await setScene(t);
    const heard = listen(stage, user);
    stage.contacts.set(user, [user]);
    await namesOf(stage, user);
    stage.kaha.behave((_, response) => void response.destroy());
    await stage.publish(subjects.userProfileUpdated, { id: user });
    await until(
      'the stale marker is set',
      async () => (await stage.redis.exists(`profile:stale:user:${user}`)) === 1,
    );
    t.same(await namesOf(stage, user), new Set([`Name of ${user}`]));
    t.same(heard, [], 'no client is told to load the old name');
    stage.kaha.behave(answerNamed('New'));
    await until('the change is told', () => heard.length > 0);
    t.same(await namesOf(stage, user), new Set(['New']));
  },
);

t.test('a profile that was asked for before an event is not fresh after it', async (t) => {
  const { stage, user } = await setScene(t);
  let answerOld = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    stage.kaha.behave((body, response) => {
      answerOld = () => answerNamed('Old')(body, response);
      resolve();
    });
  });
  const first = stage.get({ user_ids: [user] });
  await asked;
  stage.kaha.behave(answerNamed('New'));
  await stage.publish(subjects.userProfileUpdated, { id: user });
  await until(
    'the stale marker is set',
    async () => (await stage.redis.exists(`profile:stale:user:${user}`)) === 1,
  );
  answerOld();
  await first;
  await until('the new name is there', async () => (await namesOf(stage, user)).has('New'));
  await until('one name is left', async () => (await namesOf(stage, user)).size === 1);
  t.equal((await stage.redis.hgetall(`profile:user:${user}`)).name, 'New');
});

t.test(
  'a user who is gone from kaha-main-v3 is gone here, and an event brings them back',
  async (t) => {
    const { stage, user } = await setScene(t);
    await namesOf(stage, user);
    stage.kaha.behave((_, response) => void response.end('{"users":[],"businesses":[]}'));
    await stage.publish(subjects.userProfileUpdated, { id: user });
    await until('no name is left', async () => (await namesOf(stage, user)).size === 0);
    t.equal(await stage.redis.exists(`profile:user:${user}`), 0);
    stage.kaha.behave(answerAll);
    await stage.publish(subjects.userProfileUpdated, { id: user });
    await until('one name is left', async () => (await namesOf(stage, user)).size === 1);
    t.pass('an event makes an unknown id be asked for again');
  },
);

t.test(
  'while Redis is away, an event waits for it, and the processes obey the event at once',
  async (t) => {
    const stage = await setStage();
    const proxy = await startRedisProxy();
    t.teardown(() => Promise.all([stage.close(), proxy.close()]));
    const server = await stage.start({ redisUrl: proxy.url });
    const [user] = userIds(1) as [UserId];
    const heard = listen(stage, user);
    stage.contacts.set(user, [user]);
    const ready = async () => (await fetch(`http://127.0.0.1:${server.adminPort}/readyz`)).status;
    await until('readyz answers 200', async () => (await ready()) === 200);
    await namesOf(stage, user);
    await until(
      'the profile is cached',
      async () => (await stage.redis.exists(`profile:user:${user}`)) === 1,
    );
    proxy.freeze();
    stage.kaha.behave(answerNamed('New'));
    await stage.publish(subjects.userProfileUpdated, { id: user });
    await until('the change is told', () => heard.length > 0);
    t.same(await namesOf(stage, user), new Set(['New']));
    const fresh = Number(await stage.redis.hget(`profile:user:${user}`, 'fresh_until'));
    t.ok(fresh > Date.now(), 'Redis does not know of the event yet');
    proxy.thaw();
    const isMarked = async () =>
      Number(await stage.redis.hget(`profile:user:${user}`, 'fresh_until')) !== fresh;
    await until('the profile is marked stale', isMarked);
    t.pass('Redis knows of the event once it is back');
  },
);

t.test('malformed events are dropped, and later events are still carried out', async (t) => {
  const { stage, user } = await setScene(t, 1);
  stage.contacts.set(user, [user]);
  const heard = listen(stage, user);
  await stage.edge.nc.flush();
  for (const body of ['', 'null', '{', '[]', '{"id":7}', '{"id":"__proto__"}', '{}']) {
    await stage.publish(subjects.userProfileUpdated, body);
  }
  await stage.publish('kaha.user.deleted', { id: user });
  await stage.publish(subjects.userProfileUpdated, { id: user.toUpperCase() });
  await until('the change is told', () => heard.length > 0);
  t.equal(heard.length, 1);
});
