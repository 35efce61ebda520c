import t from 'tap';
import { ConversationsQuery, HistoryQuery } from '../../../shared/protocol/page-queries.ts';
import { readQuery } from './query.ts';

t.test('numbers and booleans become what the schema wants; the rest stays text', async (t) => {
  t.same(readQuery('', HistoryQuery), {});
  t.same(readQuery('limit=10&before_seq=5', HistoryQuery), { limit: 10, before_seq: 5 });
  t.same(readQuery('limit=1e3', HistoryQuery), { limit: '1e3' });
  t.same(readQuery('limit=-1&since=2026-01-01T00%3A00%3A00Z', HistoryQuery), {
    limit: -1,
    since: '2026-01-01T00:00:00Z',
  });
  t.same(readQuery('archived=false&cursor=10', ConversationsQuery), {
    archived: false,
    cursor: '10',
  });
  t.same(readQuery('archived=1', ConversationsQuery), { archived: '1' });
  const odd = readQuery('__proto__=1&toString=2', HistoryQuery);
  t.same(Object.keys(odd), ['__proto__', 'toString']);
  t.type(readQuery('limit=1&limit=1', HistoryQuery), 'string');
  t.type(readQuery('cursor=a%00b', ConversationsQuery), 'string');
});
