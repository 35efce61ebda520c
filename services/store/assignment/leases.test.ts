import t from 'tap';
import { type BusinessId, newId } from '../../../shared/ids.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { type StoreParts, setStage } from '../stage/store-stage.ts';

const stage = await setStage(t);
const { store, sql } = stage;
const other = stage.open();
const rows = new BusinessRows(sql);
const LEASE_MS = 60_000;

const claim = async (at: StoreParts = store, limit = 100, lease_ms = LEASE_MS) =>
  (await at.operations['assignment.claim']({ limit, lease_ms }, 0)).claims;
const done = (lease: { business_id: BusinessId; until: string }, at: string | null = null) =>
  store.operations['assignment.done']({ ...lease, at }, 0);
const read = (lease: { business_id: BusinessId; until: string }, lease_ms = LEASE_MS) =>
  store.operations['assignment.read']({ ...lease, lease_ms }, 0);
/** A step that makes something possible writes this. */
const makeDue = (id: BusinessId) =>
  sql('update business_inboxes set due_at = least(due_at, now()) where business_id = $1', [id]);
const inbox = async (id: BusinessId) =>
  (await sql('select due_at, claimed_until from business_inboxes where business_id = $1', [id]))[0];

t.beforeEach(() => sql('delete from business_inboxes'));

t.test('one claim has a business, however many race for it', async (t) => {
  const ids = await Promise.all(Array.from({ length: 30 }, () => rows.business()));
  const claims = await Promise.all(
    Array.from({ length: 8 }, (_, index) => claim(index % 2 === 0 ? store : other, 7)),
  );
  for (const leases of claims) t.ok(leases.length <= 7);
  const rest = [...(await claim()), ...claims.flat()].map(({ business_id }) => business_id);
  t.same(rest.sort(), ids.sort());
  t.same(await claim(), []);
});

t.test(
  'a business that is due later or never, or is locked by a step, is passed over',
  async (t) => {
    const [later, never, locked, due] = (await Promise.all(
      Array.from({ length: 4 }, () => rows.business()),
    )) as [BusinessId, BusinessId, BusinessId, BusinessId];
    await sql(
      `update business_inboxes set due_at = now() + interval '1 hour'
    where business_id = $1`,
      [later],
    );
    await sql('update business_inboxes set due_at = null where business_id = $1', [never]);
    const step = await store.pool.connect();
    await step.query('begin');
    await step.query('select from business_inboxes where business_id = $1 for update', [locked]);
    t.match(await claim(), [{ business_id: due }]);
    await step.query('rollback');
    step.release();
    t.match(await claim(), [{ business_id: locked }], 'the next claim has it');
  },
);

t.test(
  'a business whose router died is due again when the lease ends, and not before',
  async (t) => {
    const id = await rows.business();
    const [dead] = await claim(store, 1, 1);
    t.same(await inbox(id), { due_at: dead?.until, claimed_until: dead?.until });
    const [taken] = await claim(other);
    t.equal(taken?.business_id, id);
    t.same(await claim(), [], 'the second router has it now');
    t.same(await read(dead as typeof dead & object), { plans: [], is_all: true, next_at: null });
    t.same(await done(dead as typeof dead & object), { is_due: false });
    t.equal((await inbox(id))?.claimed_until, taken?.until, 'the first router ends nothing');
  },
);

t.test('a reading makes the lease longer, and its end goes by the new name', async (t) => {
  const id = await rows.business();
  const [lease] = await claim(store, 1, 1_000);
  const { until } = await read(lease as typeof lease & object);
  t.ok((until as string) > (lease?.until as string));
  t.same(await inbox(id), { due_at: until, claimed_until: until });
});

t.test('what a step makes possible after the reading makes the business due at once', async (t) => {
  const id = await rows.business();
  const [lease] = await claim();
  await makeDue(id);
  const { until } = await read(lease as typeof lease & object);
  t.same(await done({ business_id: id, until: until as string }), { is_due: false });
  t.match(await inbox(id), { due_at: null, claimed_until: null }, 'the reading saw that step');
  await makeDue(id);
  const [again] = await claim();
  await makeDue(id);
  const later = new Date(Date.now() + 60_000).toISOString();
  t.same(await done(again as typeof again & object, later), { is_due: true });
  t.match(await claim(), [{ business_id: id }]);
});

t.test('a business is due at the time that was told', async (t) => {
  const id = await rows.business();
  const [lease] = await claim();
  const at = new Date(Date.now() + 60_000).toISOString();
  t.same(await done(lease as typeof lease & object, at), { is_due: false });
  t.same(await inbox(id), { due_at: at, claimed_until: null });
  t.same(await claim(), []);
  const unknown = { business_id: newId<BusinessId>(), until: at };
  t.same(await done(unknown), { is_due: false });
});

t.test('a business that gives way comes after those that are due for longer', async (t) => {
  const busy = await rows.business();
  const [lease] = await claim();
  const late = await rows.business();
  t.same(await done(lease as typeof lease & object, new Date(0).toISOString()), { is_due: true });
  t.match(await claim(store, 1), [{ business_id: late }]);
  t.match(await claim(store, 1), [{ business_id: busy }], 'the next claim has it');
});
