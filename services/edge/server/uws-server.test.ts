import { connect } from 'node:net';
import t from 'tap';
import { newId, type UserId } from '../../../shared/ids.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import { setStage, tokenOf } from '../stage/edge-stage.ts';

const stage = await setStage();
await stage.startRouter();
const edge = await stage.startEdge();
t.teardown(() => stage.close());

const PIECE_BYTES = 1_448;
const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** Returns a good token of this length. */
async function tokenOfLength(length: number): Promise<string> {
  const userId = newId<UserId>();
  const exp = Math.floor(Date.now() / 1_000) + 300;
  let pad = length - 300;
  for (;;) {
    const token = await tokenOf(userId, { exp, pad: 'x'.repeat(pad) });
    if (token.length === length) return token;
    pad += token.length < length ? 1 : -1;
    if (token.length > length + 4) pad -= Math.ceil(((token.length - length) * 3) / 4) - 1;
  }
}

/** Writes a head piece by piece, each in a packet, and returns the status of the answer. */
function ask(path: string, lines: string[], pieceBytes: number): Promise<number> {
  const head = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n${lines.join('\r\n')}\r\n\r\n`);
  const socket = connect(edge.port, '127.0.0.1').setNoDelay(true);
  let text = '';
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
      if (status === undefined) return;
      socket.destroy();
      resolve(Number(status));
    });
    const writeFrom = (at: number): void => {
      if (at >= head.length || socket.destroyed) return;
      socket.write(head.subarray(at, at + pieceBytes), () => {
        setImmediate(() => writeFrom(at + pieceBytes));
      });
    };
    writeFrom(0);
  });
}

t.test('a token of 8 KiB is taken by REST and upgrades, whole and in pieces', async (t) => {
  const token = await tokenOfLength(LIMITS.tokenCharactersMax);
  const bearer = `Authorization: Bearer ${token}`;
  const offer = `Sec-WebSocket-Protocol: kaha.v1, bearer.${token}, device.phone`;
  const cookie = `Cookie: ${'c'.repeat(8_000)}`;
  for (const piece of [PIECE_BYTES, 65_536]) {
    t.equal(await ask('/api/v1/nowhere', [cookie, bearer], piece), 404, `REST, ${piece}`);
    t.equal(await ask('/ws', [...UPGRADE, cookie, bearer], piece), 101, `header, ${piece}`);
    t.equal(await ask('/ws', [...UPGRADE, cookie, offer], piece), 101, `subprotocol, ${piece}`);
  }
});

t.test('a longer token is refused with 431 by REST and upgrades', async (t) => {
  for (const length of [LIMITS.tokenCharactersMax + 1, 16_000, 40_000]) {
    const token = await tokenOfLength(length);
    const bearer = `Authorization: Bearer ${token}`;
    const offer = `Sec-WebSocket-Protocol: kaha.v1, bearer.${token}`;
    for (const piece of [PIECE_BYTES, 65_536]) {
      const name = `${length} characters in ${piece}`;
      t.equal(await ask('/api/v1/conversations', [bearer], piece), 431, `REST, ${name}`);
      t.equal(await ask('/ws', [...UPGRADE, bearer], piece), 431, `header, ${name}`);
      t.equal(await ask('/ws', [...UPGRADE, offer], piece), 431, `subprotocol, ${name}`);
    }
  }
});

t.test('a frame brings a token of 8 KiB, and a longer one is closed 4500 at once', async (t) => {
  const good = await stage.connect(edge);
  good.send({ type: 'auth', token: await tokenOfLength(LIMITS.tokenCharactersMax) });
  t.equal((await good.next('auth_ok')).type, 'auth_ok');
  good.send({ type: 'auth', token: await tokenOfLength(LIMITS.tokenCharactersMax + 1) });
  t.equal(await good.closed, 4500, 'a renewal');
  for (const length of [LIMITS.tokenCharactersMax + 1, 16_385, 100_000]) {
    const client = await stage.connect(edge);
    client.send({ type: 'auth', token: await tokenOfLength(length) });
    t.equal(await client.closed, 4500, `${length} characters`);
  }
});
