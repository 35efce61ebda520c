import t from 'tap';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import { setStage } from '../stage/store-stage.ts';

const { store } = await setStage(t);
const { operations } = store;

t.test('the head of a new business counts nothing, and tells who its agents are', async (t) => {
  const [business_id, elsewhere] = [newId<BusinessId>(), newId<BusinessId>()];
  const [boss, ann, stranger] = [newId<UserId>(), newId<UserId>(), newId<UserId>()];
  const agents = [{ user_id: boss, role: 'manager' as const }, { user_id: ann }];
  await operations['businesses.set_agents']({ asker: 'service', business_id, agents }, 0);
  const user_ids = [boss, ann, stranger];
  const nothing = { version: 0, waiting: 0, assigned: 0, mine: {} };
  const roles = { [boss]: 'manager', [ann]: 'agent' };
  t.same(await operations['inbox.head']({ business_id, user_ids }, 0), { ...nothing, roles });
  const request = { business_id: elsewhere, user_ids };
  t.same(await operations['inbox.head'](request, 0), { ...nothing, roles: {} });
});

t.test('a head of what is no id, or of too many users, is refused', async (t) => {
  const business_id = newId<BusinessId>();
  const users = Array.from({ length: 1_001 }, () => newId<UserId>());
  const refused = { code: 'INVALID_REQUEST' };
  await t.rejects(operations['inbox.head']({ business_id, user_ids: users }, 0), refused);
  const odd = { business_id: 'x' as BusinessId, user_ids: [] };
  await t.rejects(operations['inbox.head'](odd, 0), refused);
});
