import t from 'tap';
import { newId, type UserId } from '../ids.ts';
import { readSaid, type SystemEvent, systemContent } from './system-content.ts';

const user_id = newId<UserId>();
const TEXTS: [SystemEvent, string, string][] = [
  ['participant_added', 'Anna added Bob', 'Unknown User added Unknown User'],
  ['participant_removed', 'Anna removed Bob', 'Unknown User removed Unknown User'],
  ['participant_left', 'Bob left', 'Unknown User left'],
  ['title_changed', 'Anna changed the title to “Trek”', 'Unknown User changed the title to “Trek”'],
  ['description_changed', 'Anna changed the description', 'Unknown User changed the description'],
  ['avatar_changed', 'Anna changed the picture', 'Unknown User changed the picture'],
  ['admin_changed', 'Bob is admin now', 'Unknown User is admin now'],
];

for (const [event, named, unnamed] of TEXTS) {
  t.test(`${event} has a text with names, and a text without`, async (t) => {
    const said = readSaid({ event, user_id, value: 'Trek' });
    if (said === undefined) throw new Error('not read');
    t.equal(systemContent(said, { actor: 'Anna', subject: 'Bob' }), named);
    t.equal(systemContent(said, {}), unnamed);
  });
}

t.test('only the metadata that the text shows is kept', async (t) => {
  const event = 'description_changed';
  t.same(readSaid({ event, value: 'a long one', user_id, more: 1 }), { event, user_id });
  t.same(readSaid({ event: 'title_changed', value: 7 }), { event: 'title_changed' });
  t.equal(systemContent({ event: 'title_changed' }, { actor: 'Anna' }), 'Anna changed the title');
});

t.test('other metadata than that of a system message is not read', async (t) => {
  const others = [undefined, null, 1, 'x', [], {}, { event: 1 }, { event: 'toString' }];
  for (const metadata of others) t.equal(readSaid(metadata), undefined);
});
