import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { parseHeap, readNatsHeap } from './nats-heap.ts';

const PROFILE = `heap profile: 2: 1048576 [9: 4718592] @ heap/1048576
1: 524288 [1: 524288] @ 0x40f5a5 0x40f5a6

# runtime.MemStats
# Alloc = 11
# Sys = 24135944
# HeapAlloc = 12
# HeapSys = 15859712
# HeapInuse = 4808704
`;

t.test('the live heap is read from the statistics of a profile', async (t) => {
  t.same(parseHeap(PROFILE), { liveBytes: 12 });
  t.equal(parseHeap('404 page not found'), undefined);
});

t.test('NATS is asked to collect its garbage first', async (t) => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.end(PROFILE);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const nats = { name: 'nats', service: 'nats', pid: 1, admin_port: port };
  t.same(await readNatsHeap([{ ...nats, name: 'edge-1', service: 'edge' }, nats]), {
    liveBytes: 12,
  });
  t.same(asked, ['/debug/pprof/heap?gc=1&debug=1']);
});

t.test('a NATS of somebody else has no heap that could be read', async (t) => {
  t.equal(await readNatsHeap([]), undefined);
  t.equal(await readNatsHeap([{ name: 'nats', service: 'nats', pid: 1 }]), undefined);
});

t.test('a NATS that does not answer has no heap that could be read', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  t.equal(
    await readNatsHeap([{ name: 'nats', service: 'nats', pid: 1, admin_port: port }]),
    undefined,
  );
});
