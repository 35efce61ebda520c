import t from 'tap';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import type { BusinessSettingsInput } from '../../../shared/protocol/business-requests.ts';
import { setStage } from '../stage/store-stage.ts';

const { store } = await setStage(t);
const { operations } = store;

async function openings(...business_ids: BusinessId[]) {
  return (await operations['businesses.openings']({ business_ids }, 0)).businesses;
}

/** Makes a business with two agents, of whom the first is available. */
async function newBusiness(settings: BusinessSettingsInput) {
  const business_id = newId<BusinessId>();
  const of = { asker: 'service', business_id } as const;
  await operations['businesses.set_settings']({ ...of, settings }, 0);
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  const agents = [{ user_id: ann }, { user_id: bob }];
  await operations['businesses.set_agents']({ ...of, agents }, 0);
  const status = { business_id, user_id: ann, status: 'available' } as const;
  await operations['businesses.set_status'](status, 0);
  return { business_id, ann, bob };
}

const dateIn = (days: number) =>
  new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

t.test('an open business tells of the agents who say that they are available', async (t) => {
  const { business_id, ann } = await newBusiness({ time_zone: 'Asia/Kathmandu' });
  t.same(await openings(business_id), [{ business_id, agents: [ann] }]);
});

t.test('a closed business tells when it opens, and of no agents', async (t) => {
  const day = dateIn(2);
  const { business_id } = await newBusiness({
    time_zone: 'UTC',
    hours: {},
    exceptions: [{ date: day, intervals: [['09:00', '12:00']] }],
  });
  const opens_at = `${day}T09:00:00.000Z`;
  t.same(await openings(business_id), [{ business_id, opens_at, agents: [] }]);
});

t.test('a business that never opens tells no time', async (t) => {
  const { business_id } = await newBusiness({ time_zone: 'UTC', hours: {} });
  t.same(await openings(business_id), [{ business_id, agents: [] }]);
});

t.test('an exception holds on its date instead of the week', async (t) => {
  const { business_id, ann } = await newBusiness({
    time_zone: 'UTC',
    hours: {},
    exceptions: [dateIn(0), dateIn(1)].map((date) => ({ date, intervals: [['00:00', '24:00']] })),
  });
  t.same((await openings(business_id))[0]?.agents, [ann]);
});

t.test(
  'a business of which nothing is set has no agents, and answers keep the order',
  async (t) => {
    const unknown = newId<BusinessId>();
    const { business_id, ann } = await newBusiness({ time_zone: 'Europe/Berlin' });
    t.same(await openings(unknown, business_id), [
      { business_id: unknown, agents: [] },
      { business_id, agents: [ann] },
    ]);
    t.same(await openings(), []);
  },
);

t.test('what is no id, and more than 16 ids, are refused', async (t) => {
  const refused = { code: 'INVALID_REQUEST' };
  await t.rejects(openings('x' as BusinessId), refused);
  await t.rejects(openings(...Array.from({ length: 17 }, () => newId<BusinessId>())), refused);
});
