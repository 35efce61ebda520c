import t from 'tap';
import { DatabaseServers } from './servers.ts';

const URLS = 'postgres://a/x, postgres://b/x,postgres://c/x';

t.test('connections that fail at the same server leave it once', async (t) => {
  const servers = new DatabaseServers(URLS);
  t.equal(servers.count, 3);
  const first = servers.current;
  t.equal(first.url, 'postgres://a/x');
  servers.leave(first.index);
  servers.leave(first.index);
  t.equal(servers.current.url, 'postgres://b/x');
  servers.leave(servers.current.index);
  servers.leave(servers.current.index);
  t.equal(servers.current.url, 'postgres://a/x', 'after the last comes the first');
});

t.test('one server stays the current one', async (t) => {
  const servers = new DatabaseServers('postgres://a/x');
  servers.leave(0);
  t.same(servers.current, { url: 'postgres://a/x', index: 0 });
});

t.test(
  'a doubt is of the connections that were open by then, and holds for a second',
  async (t) => {
    const servers = new DatabaseServers(URLS);
    t.notOk(servers.isDoubted(0));
    servers.doubt(1_000);
    t.ok(servers.isDoubted(1_000));
    t.notOk(servers.isDoubted(1_001));
    servers.doubt(1_999);
    t.notOk(servers.isDoubted(1_500), 'this is the same doubt');
    servers.doubt(2_000);
    t.ok(servers.isDoubted(1_500));
  },
);
