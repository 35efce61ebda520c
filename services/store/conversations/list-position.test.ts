import t from 'tap';
import { type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import { type ListPlace, readPosition, writePosition } from './list-position.ts';

const LIST = { userId: newId<UserId>(), archived: false };
const READ_AT = '2026-11-20T09:00:00.000Z';
const refused = { code: 'INVALID_REQUEST' };

/** Returns places that were active in the second before the page was read. */
function places(count: number): ListPlace[] {
  return Array.from({ length: count }, (_, index) => ({
    conversation_id: newId<ConversationId>(),
    activity: new Date(Date.parse(READ_AT) - index).toISOString(),
    read_at: READ_AT,
  }));
}

t.test('a cursor of at most 256 characters brings its position back', async (t) => {
  for (const count of [1, 2, 49, 50, 51, 200]) {
    const page = places(count);
    const cursor = writePosition(LIST, page, undefined);
    t.ok(cursor.length <= 256, `${count}: ${cursor.length}`);
    const last = page.at(-1);
    const isRoom = count <= 50;
    t.same(readPosition(LIST, cursor), {
      readAt: READ_AT,
      openSince: isRoom ? '2026-11-20T08:59:55.000Z' : READ_AT,
      activity: last?.activity,
      conversationId: last?.conversation_id,
      listed: isRoom ? page.map(({ conversation_id: id }) => id.slice(0, 6)) : [],
    });
  }
});

t.test('a cursor of another user or of the other list is refused', async (t) => {
  const cursor = writePosition(LIST, places(3), undefined);
  t.throws(() => readPosition({ ...LIST, userId: newId<UserId>() }, cursor), refused);
  t.throws(() => readPosition({ ...LIST, archived: true }, cursor), refused);
});

t.test('a cursor that was cut, or whose bytes were changed, is refused', async (t) => {
  const bytes = Buffer.from(writePosition(LIST, places(3), undefined), 'base64url');
  const isRefused = (changed: Buffer, why: string): void => {
    t.throws(() => readPosition(LIST, changed.toString('base64url')), refused, why);
  };
  for (const length of [0, 1, 8, 20, 41, bytes.length - 1]) {
    isRefused(bytes.subarray(0, length), `${length} bytes`);
  }
  for (const place of [8, 14, 20]) {
    const late = Buffer.from(bytes);
    late.fill(0xff, place, place + 6);
    isRefused(late, 'a time beyond the year 9999');
  }
  const strange = Buffer.from(bytes);
  strange.fill(0xff, 26, 42);
  isRefused(strange, 'no id');
  isRefused(Buffer.concat([bytes, Buffer.alloc(150)]), 'too many ids');
  t.throws(() => readPosition(LIST, 'no cursor!'), refused);
});
