import t from 'tap';
import { ConversationsRequest } from '../../../shared/protocol/conversation-requests.ts';
import { HistoryRequest } from '../../../shared/protocol/message-requests.ts';
import { PresenceUrlRequest } from '../../../shared/protocol/presence.ts';
import { readQuery } from './query.ts';

t.test(
  'values become the numbers, booleans and lists of the schema, and all others stay text',
  async (t) => {
    t.same(readQuery('', HistoryRequest), {});
    t.same(readQuery('limit=10&before_seq=5', HistoryRequest), { limit: 10, before_seq: 5 });
    t.same(readQuery('limit=1e3', HistoryRequest), { limit: '1e3' });
    t.same(readQuery('limit=-1&since=2026-01-01T00%3A00%3A00Z', HistoryRequest), {
      limit: -1,
      since: '2026-01-01T00:00:00Z',
    });
    t.same(readQuery('archived=false&cursor=10', ConversationsRequest), {
      archived: false,
      cursor: '10',
    });
    t.same(readQuery('archived=1', ConversationsRequest), { archived: '1' });
    t.same(readQuery('user_ids=a,b', PresenceUrlRequest), { user_ids: ['a', 'b'] });
    t.same(readQuery('user_ids=', PresenceUrlRequest), { user_ids: [''] });
    const odd = readQuery('__proto__=1&toString=2', HistoryRequest);
    t.same(Object.keys(odd), ['__proto__', 'toString']);
    t.type(readQuery('limit=1&limit=1', HistoryRequest), 'string');
    t.type(readQuery('cursor=a%00b', ConversationsRequest), 'string');
  },
);
