import { createServer } from 'node:net';
import t from 'tap';
import { createPorts, freePorts, isFree } from './ports.ts';

t.test('ports are never given twice', async (t) => {
  const ports = (await Promise.all([freePorts(20), freePorts(20)])).flat();
  t.equal(new Set(ports).size, 40);
});

t.test('two processes that begin at the same block never get the same port', async (t) => {
  const [one, other] = [createPorts(7), createPorts(7)];
  const ports = (await Promise.all([one(40), other(40), one(40), other(40)])).flat();
  t.equal(new Set(ports).size, 160);
});

t.test('no port is one that the system could give to a connection', async (t) => {
  for (const port of await freePorts(5)) t.ok(port >= 20_000 && port < 32_000);
});

t.test('a port on which a server listens is not free', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  t.notOk(await isFree(port));
  await new Promise((resolve) => server.close(resolve));
  t.ok(await isFree(port));
});
