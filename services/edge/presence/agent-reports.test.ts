import t from 'tap';
import { until } from '../../../dev/testing/until.ts';
import { KahaError } from '../../../shared/errors.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { setStage } from '../stage/edge-stage.ts';

const stage = await setStage();
t.teardown(() => stage.close());
const router = await stage.startRouter();
const edge = await stage.startEdge();

/** Lists what routers were told of a user. */
const toldOf = (userId: UserId): boolean[] =>
  router.requests
    .flatMap((request) => (request.op === 'agents.presence' ? request.changes : []))
    .filter(({ user_id }) => user_id === userId)
    .map(({ is_online }) => is_online);

t.test('a router is told who comes, and who goes 5 s after their last socket', async (t) => {
  const userId = newId<UserId>();
  const [phone, tablet] = [
    await stage.open(edge, userId, 'phone'),
    await stage.open(edge, userId, 'tablet'),
  ];
  await until('the router is told', () => toldOf(userId).length > 0);
  await phone.close();
  t.notOk(toldOf(userId).includes(false));
  await tablet.close();
  await until('the router is told', () => toldOf(userId).includes(false), 15_000);
  t.equal(toldOf(userId)[0], true);
});

t.test('users who come together are told together', async (t) => {
  const users = Array.from({ length: 30 }, () => newId<UserId>());
  const before = router.count('agents.presence');
  await Promise.all(users.map((user) => stage.open(edge, user)));
  await until('the router is told', () => users.every((user) => toldOf(user).length > 0));
  const reports = router.count('agents.presence') - before;
  t.ok(reports < 15, `${reports} reports`);
});

t.test('a report that fails is sent again, and then tells the last change alone', async (t) => {
  const userId = newId<UserId>();
  const tries: boolean[][] = [];
  router.script['agents.presence'] = ({ changes }) => {
    tries.push(changes.filter(({ user_id }) => user_id === userId).map((one) => one.is_online));
    throw new KahaError('DATABASE_UNAVAILABLE', 'not now');
  };
  const phone = await stage.open(edge, userId);
  await until('two tries failed', () => tries.flat().length >= 2);
  await phone.close();
  await until('the user is said to be gone', () => tries.flat().includes(false), 15_000);
  t.same(tries.at(-1), [false]);
  router.script['agents.presence'] = () => undefined;
  const before = toldOf(userId).length;
  await until('the report is sent again', () => toldOf(userId).length > before);
});

t.test('a router of an earlier version does not stop an edge', async (t) => {
  router.script['agents.presence'] = () => {
    throw new KahaError('INVALID_REQUEST', 'Unknown operation');
  };
  const userId = newId<UserId>();
  await stage.open(edge, userId);
  await until('the report is dropped', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${edge.adminPort}/metrics`)).text();
    return /kaha_edge_reports_dropped_total\{[^}]*what="agents"[^}]*\} [1-9]/.test(metrics);
  });
  t.ok(toldOf(userId).includes(true));
});
