import t from 'tap';
import { createLogger } from './logger.ts';

const UUID = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln';

function capture(hashKey: string, log: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  const options = { service: 'edge', instance: 'edge-1', level: 'trace', hashKey };
  log(createLogger(options, { write: (line) => lines.push(line) }));
  return lines.join('');
}

t.test('a UUID is masked wherever it stands, always by the same mask', async (t) => {
  const text = capture('k', (logger) => {
    logger.info({ user: UUID, deep: { list: [UUID.toUpperCase()] } }, `said ${UUID}`);
    logger.error({ err: new Error(`no ${UUID}`) });
  });
  t.notMatch(text.toLowerCase(), UUID);
  t.equal(new Set(text.match(/u:[0-9a-f]{12}/g)).size, 1);
});

t.test('another key gives another mask', async (t) => {
  const log = (logger: ReturnType<typeof createLogger>) => logger.info(UUID);
  t.not(capture('a', log).match(/u:\w+/)?.[0], capture('b', log).match(/u:\w+/)?.[0]);
});

t.test('tokens and contents do not reach a log line', async (t) => {
  const text = capture('k', (logger) => {
    logger.info({ token: 'opaque-secret', frame: { content: 'hello secret' } }, `jwt ${TOKEN}`);
  });
  t.notMatch(text, /opaque-secret|hello secret|c2ln/);
});

t.test('an error reaches a line by its name, code and message alone', async (t) => {
  const client = { secretKey: 7_654_321, text: 'select secret' };
  const error = Object.assign(new Error('lost', { cause: client }), { code: '57P01', client });
  const hostile = Object.defineProperty(new Error('x'), 'message', {
    get: () => {
      throw error;
    },
  });
  const text = capture('k', (logger) => {
    logger.warn({ err: error }, 'connection failed');
    logger.warn(error);
    logger.warn({ tries: [error] }, 'tries');
    logger.warn({ err: hostile });
    logger.warn(hostile, 'hostile');
  });
  t.equal(text.match(/"code":"57P01","message":"lost"/g)?.length, 3);
  t.notMatch(text, /7654321|select secret|stack|logger\.test/);
  t.match(text, /"msg":"hostile"/);
});

t.test('the credentials of a URL do not reach a line', async (t) => {
  const text = capture('k', (logger) => {
    logger.info({ err: new Error('cannot reach postgres://kaha:pass@db:5432/kaha') });
  });
  t.match(text, 'postgres://db:5432/kaha');
});
