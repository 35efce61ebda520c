import { createServer } from 'node:net';
import t from 'tap';
import { freePorts, isFree } from './ports.ts';

t.test('ports are never given twice', async (t) => {
  const ports = (await Promise.all([freePorts(20), freePorts(20)])).flat();
  t.equal(new Set(ports).size, 40);
});

t.test('none is one that the system could give to a connection', async (t) => {
  for (const port of await freePorts(5)) t.ok(port >= 20_000 && port < 32_000);
});

t.test('a port on which somebody listens is not free', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  t.notOk(await isFree(port));
  await new Promise((resolve) => server.close(resolve));
  t.ok(await isFree(port));
});
