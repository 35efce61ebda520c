import t from 'tap';
import { newId, type UserId } from '../ids.ts';
import { readSaid, SYSTEM_EVENTS } from './system-messages.ts';

const user_id = newId<UserId>();

t.test('the metadata of each event is read', async (t) => {
  for (const event of SYSTEM_EVENTS) t.same(readSaid({ event, user_id }), { event, user_id });
});

t.test('only the metadata that the text shows is kept', async (t) => {
  const event = 'description_changed';
  t.same(readSaid({ event, value: 'a long one', user_id, more: 1 }), { event, user_id });
  t.same(readSaid({ event: 'title_changed', value: 7 }), { event: 'title_changed' });
});

t.test('an assignment alone has a reason, and only one that is known', async (t) => {
  const event = 'agent_assigned';
  for (const reason of ['auto', 'manual', 'transfer']) {
    t.same(readSaid({ event, user_id, reason }), { event, user_id, reason });
  }
  for (const reason of ['whim', 1, null, ['auto']]) t.same(readSaid({ event, reason }), { event });
  const closed = { event: 'conversation_closed', reason: 'auto' };
  t.same(readSaid(closed), { event: 'conversation_closed' });
});

t.test('other metadata than that of a system message is not read', async (t) => {
  const others = [undefined, null, 1, 'x', [], {}, { event: 1 }, { event: 'toString' }];
  for (const metadata of others) t.equal(readSaid(metadata), undefined);
});
