import t from 'tap';
import type { InboxChange } from '../../../shared/contracts/inbox.ts';
import { type BusinessId, newId } from '../../../shared/ids.ts';
import { BusinessRows } from '../stage/business-rows.ts';
import { makeBusiness, makeConversation, stepTaker } from '../stage/business-stage.ts';
import { setStage } from '../stage/store-stage.ts';

const { store, sql } = await setStage(t);
const rows = new BusinessRows(sql);
const take = stepTaker(store);
const newest = (business_id: BusinessId) => store.operations['inbox.newest']({ business_id }, 0);

/** Returns the parts of a change that edges tell; of the owner before only what decides. */
function toldOf(change: InboxChange | undefined) {
  const { business_id, version, conversation_id, before, after, record } = change as InboxChange;
  const { last_agent_id: _, ...decides } = before;
  return {
    business_id,
    version,
    change: change?.change,
    conversation_id,
    before: decides,
    after,
    record,
  };
}

t.test('the newest step is told again as it was told first', async (t) => {
  const { business, manager, agents } = await makeBusiness(store);
  const [ann, bob] = agents as [(typeof agents)[0], (typeof agents)[0]];
  const { conversation_id: id } = await rows.waiting(business);
  const steps = [
    () => take({ user: ann, id }, 'assign'),
    () => take({ user: ann, id }, 'assign', { agent_id: bob }),
    () => take({ user: bob, id }, 'release'),
    () => take({ user: manager, id }, 'close'),
    () => take({ user: manager, id }, 'reopen'),
    () => take({ user: ann, id }, 'assign'),
    () => take({ user: ann, id }, 'close'),
  ];
  for (const step of steps) {
    const { inbox } = await step();
    const told = toldOf(inbox?.[0]);
    const { version, step: again } = await newest(business);
    t.equal(version, told.version);
    t.match(again, told, String(told.change));
  }
});

t.test(
  'a message into a waiting conversation is told again, though it is not logged',
  async (t) => {
    const { business, manager } = await makeBusiness(store);
    await rows.waiting(business);
    const { conversation_id: id } = await rows.waiting(business);
    const { conversation_id: other } = await rows.waiting(business);
    await take({ user: manager, id: other }, 'assign');
    const later = "now() + interval '1 second'";
    await sql(`update conversations set last_activity = ${later} where conversation_id = $1`, [id]);
    await sql('update business_inboxes set version = version + 1 where business_id = $1', [
      business,
    ]);
    const { version, step } = await newest(business);
    t.match(step, { version, change: 'updated', conversation_id: id, after: { state: 'waiting' } });
  },
);

t.test('an inbox without steps, or whose step cannot be told, has none', async (t) => {
  t.same(await newest(newId<BusinessId>()), { version: 0 });
  const { business } = await makeBusiness(store);
  await makeConversation(store, business);
  await sql(
    `insert into business_inboxes (business_id, version) values ($1, 3)
     on conflict (business_id) do update set version = 3`,
    [business],
  );
  t.same(await newest(business), { version: 3 });
  await t.rejects(newest('x' as BusinessId), { code: 'INVALID_REQUEST' });
});
