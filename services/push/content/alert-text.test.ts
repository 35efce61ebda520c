import t from 'tap';
import { type AlertSource, alertText } from './alert-text.ts';

const visible = (line: string): number =>
  [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(line)].length;
const message = (text: string) => ({ kind: 'message', type: 'text', text }) as const;
const source = (changed: Partial<AlertSource> = {}): AlertSource => ({
  ...{ level: 'full', subject: message('Hello'), sender: 'Asha', count: 1 },
  ...changed,
});

t.test('a direct message shows who wrote what', async (t) => {
  t.same(alertText(source()), { title: 'Asha', body: 'Hello' });
});

t.test('a message of a group shows the group, and who wrote it', async (t) => {
  t.same(alertText(source({ conversation: 'Trek' })), { title: 'Trek', body: 'Asha: Hello' });
});

t.test('the level decides what is told', async (t) => {
  const group = { conversation: 'Trek' };
  t.same(alertText(source({ level: 'sender' })), { title: 'Asha', body: 'New message' });
  t.same(alertText(source({ level: 'sender', ...group })).body, 'Asha: New message');
  t.same(alertText(source({ level: 'none', ...group })), { body: 'New message' });
});

t.test('several messages are told by their number, and never by their text', async (t) => {
  t.same(alertText(source({ count: 3 })), { title: 'Asha', body: '3 new messages' });
  t.same(alertText(source({ count: 3, level: 'none' })), { body: '3 new messages' });
});

t.test('pictures, files and voices have a placeholder', async (t) => {
  const bodies = (['image', 'file', 'voice'] as const).map(
    (type) => alertText(source({ subject: { kind: 'message', type, text: 'x' } })).body,
  );
  t.same(bodies, ['Photo', 'File', 'Voice message']);
});

t.test('who was added or assigned is told so', async (t) => {
  const told = (kind: 'added' | 'assigned', level: AlertSource['level']) =>
    alertText(source({ subject: { kind }, level, conversation: 'Trek' }));
  t.same(told('added', 'full'), { title: 'Trek', body: 'Asha added you' });
  t.same(told('added', 'none'), { body: 'You were added to a group' });
  t.match(told('assigned', 'full').body, /assigned to you/);
  t.same(told('assigned', 'none'), { body: 'A conversation was assigned to you' });
});

t.test('names of 200 and texts of 8000 characters keep to the bounds', async (t) => {
  const { title = '', body } = alertText(
    source({
      sender: 'न'.repeat(200),
      conversation: '😀'.repeat(200),
      subject: message('x'.repeat(8_000)),
    }),
  );
  t.ok(visible(title) <= 100);
  t.ok(visible(body) <= 178);
  t.ok(Buffer.byteLength(title + body) <= 2_200);
});

t.test('names and texts of other directions are kept apart', async (t) => {
  const { body } = alertText(
    source({ conversation: 'Trek', sender: 'دانا', subject: message('abc 123') }),
  );
  t.equal(body, '\u2068دانا\u2069: \u2068abc 123\u2069');
  t.equal(alertText(source({ conversation: 'Trek' })).body, 'Asha: Hello');
});

t.test('nothing that can be seen is still a new message', async (t) => {
  t.equal(alertText(source({ subject: message('\u200b') })).body, 'New message');
  t.equal(
    alertText(source({ subject: message('\u200b'), conversation: 'Trek' })).body,
    'New message',
  );
  t.equal(alertText(source({ sender: '\u202e' })).title, 'Unknown User');
});
