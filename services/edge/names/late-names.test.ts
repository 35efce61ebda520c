import t, { type Test } from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { decodeLive } from '../../../shared/contracts/events.ts';
import type { Profiles, ProfilesGet } from '../../../shared/contracts/profile-ops.ts';
import { subjects } from '../../../shared/contracts/subjects.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { conversationRecord } from '../stage/conversation-record.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';
import { LateNames } from './late-names.ts';

// Each test waits for rounds, so they run side by side.
t.jobs = 4;
const PAIRS_MAX = 50_000;
const newUsers = (count: number) => Array.from({ length: count }, () => newId<UserId>());

/** The scene has the late names of an edge, and profiles that answers as the test says. */
function setScene(t: Test, answer: (asked: ProfilesGet) => Partial<Profiles>) {
  const told: [viewer: string, event: unknown][] = [];
  const requests: ProfilesGet[] = [];
  const late = new LateNames({
    bus: {
      publish(subject, payload) {
        const { body } = decodeLive(Buffer.from(payload as string)) ?? {};
        told.push([subject, body && parseJson(body)]);
        return true;
      },
    },
    askNames: async (request) => {
      requests.push(request);
      return { users: [], businesses: [], ...answer(request) };
    },
    metrics: createMetrics('edge', 'edge-t'),
    logger: createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' }),
  });
  t.teardown(() => late.close());
  return { late, told, requests };
}

const named = ({ user_ids = [] }: ProfilesGet) => user_ids.map((id) => ({ id, name: 'Bina' }));

t.test('a name that comes late is told once to each who was shown a fallback', async (t) => {
  const [bina, alice, chandra] = newUsers(3) as [UserId, UserId, UserId];
  const shop = newId<BusinessId>();
  let isAway = true;
  const { late, told, requests } = setScene(t, (asked) => {
    if (isAway) return { missed: asked };
    return { users: named(asked), businesses: [{ id: shop, name: 'Momo House' }] };
  });
  late.add({ user_ids: [bina] }, [alice]);
  late.add({ user_ids: [bina], business_ids: [shop] }, [alice, chandra]);
  await until('the names are asked for', () => requests.length === 1);
  t.same(requests, [{ user_ids: [bina], business_ids: [shop] }]);
  isAway = false;
  await until('all are told', () => told.length >= 4);
  const events = [
    { type: 'profile_updated', user_id: bina },
    { type: 'profile_updated', business_id: shop },
  ];
  t.same(
    told,
    events.flatMap((event) => [alice, chandra].map((viewer) => [subjects.user(viewer), event])),
  );
  t.equal(requests.length, 2);
});

t.test(
  'a name that kaha-main-v3 does not know is asked for once, and nothing is told',
  async (t) => {
    const [nobody, bina, alice] = newUsers(3) as [UserId, UserId, UserId];
    const { late, told, requests } = setScene(t, (asked) =>
      requests.length === 1 ? { missed: { user_ids: [bina] } } : { users: named(asked) },
    );
    late.add({ user_ids: [nobody, bina] }, [alice]);
    await until('the other name is told', () => told.length > 0);
    t.same(requests, [{ user_ids: [nobody, bina] }, { user_ids: [bina] }]);
    t.equal(told.length, 1);
  },
);

t.test('an answer that makes no sense ends nothing: the names are asked for again', async (t) => {
  const [bina, alice] = newUsers(2) as [UserId, UserId];
  const { late, told, requests } = setScene(t, (asked) =>
    requests.length === 1 ? { users: null as never } : { users: named(asked) },
  );
  late.add({ user_ids: [bina] }, [alice]);
  await until('the name is told', () => told.length > 0);
  t.equal(requests.length, 2);
});

t.test('beyond 50 000 pairs of a name and a viewer, the oldest names are dropped', async (t) => {
  const { late, told, requests } = setScene(t, (asked) => ({ users: named(asked) }));
  const [first, second, third] = newUsers(3) as [UserId, UserId, UserId];
  late.add({ user_ids: [first] }, newUsers(10));
  late.add({ user_ids: [second] }, newUsers(PAIRS_MAX - 10));
  late.add({ user_ids: [third] }, newUsers(1));
  await until('all are told', () => told.length >= PAIRS_MAX - 9);
  t.same(requests, [{ user_ids: [second, third] }]);
  t.equal(told.length, PAIRS_MAX - 9);
});

t.test('who saw Unknown User while profiles was away is told when the name comes', async (t) => {
  const stage = await setStage();
  t.teardown(() => stage.close());
  await stage.startRouter();
  const [shower, holder] = [await stage.startEdge('edge-1'), await stage.startEdge('edge-2')];
  const [store, profiles] = [await stage.busOf('store-1'), await stage.busOf('profiles-1')];
  const [alice, bina, stranger] = newUsers(3) as [UserId, UserId, UserId];
  const record = conversationRecord([alice, bina], { type: 'direct' });
  const subject = subjects.store('conversations.list');
  store.serve({ subject, concurrencyMax: 9 }, () => ({ records: [record], next_cursor: null }));
  await store.nc.flush();
  const [client, other] = [await stage.open(holder, alice), await stage.open(holder, stranger)];
  const headers = { authorization: `Bearer ${await tokenOf(alice)}` };
  const list = async () => {
    const url = `http://127.0.0.1:${shower.port}/api/v1/conversations`;
    const { conversations } = (await (await fetch(url, { headers })).json()) as {
      conversations: { name: string }[];
    };
    return conversations[0]?.name;
  };
  t.equal(await list(), 'Unknown User');
  profiles.serve({ subject: subjects.profiles('get'), concurrencyMax: 9 }, () => {
    return { users: [{ id: bina, name: 'Bina' }], businesses: [] };
  });
  const told = await client.next('profile_updated');
  t.same(told, { type: 'profile_updated', user_id: bina });
  t.equal(await list(), 'Bina');
  t.notOk(other.frames.some(({ type }) => type === 'profile_updated'));
});
