import t from 'tap';
import { createTokens } from './tokens.ts';

const NOW = Date.parse('2026-11-21T10:00:00.000Z');

function tokenOf(name: string, leftS: number): string {
  const claims = { sub: name, exp: NOW / 1_000 + leftS };
  return `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
}

/** The application hands out these tokens one after the other. */
function handingOut(...tokens: (string | Error)[]) {
  let asked = 0;
  const getToken = async (): Promise<string> => {
    const token = tokens[asked];
    asked += 1;
    if (token === undefined || token instanceof Error) throw token ?? new Error('none left');
    return token;
  };
  return { tokens: createTokens(getToken, () => NOW), asked: () => asked };
}

t.test('a token is used until shortly before its end', async (t) => {
  const [short, long] = [tokenOf('short', 29), tokenOf('long', 31)];
  const { tokens } = handingOut(short, long);
  t.equal(await tokens.get(), short);
  t.equal(await tokens.get(), long);
  t.equal(await tokens.get(), long);
});

t.test('a token without an end is used until it is refused', async (t) => {
  const { tokens } = handingOut('opaque', 'other');
  t.same([await tokens.get(), await tokens.get()], ['opaque', 'opaque']);
  t.equal(await tokens.get(true), 'other');
  t.equal(await tokens.get(), 'other');
});

t.test("the server's clock decides when a token ends", async (t) => {
  const [first, second] = [tokenOf('first', 3_600), tokenOf('second', 7_200)];
  const { tokens } = handingOut(first, second);
  await tokens.get();
  tokens.setServerTime(new Date(NOW + 3_590_000).toISOString());
  t.equal(await tokens.get(), second);
  tokens.setServerTime('no time');
  t.equal(await tokens.get(), second);
});

t.test('all who ask at once share one call', async (t) => {
  const { tokens, asked } = handingOut('one', 'two');
  t.same(await Promise.all([tokens.get(), tokens.get(true), tokens.get()]), ['one', 'one', 'one']);
  t.equal(asked(), 1);
});

t.test('a failure of the application is NO_TOKEN, and the next call asks again', async (t) => {
  const { tokens } = handingOut(new Error('offline'), '', 'good');
  await t.rejects(tokens.get(), { code: 'NO_TOKEN', cause: { message: 'offline' } });
  await t.rejects(tokens.get(), { code: 'NO_TOKEN' });
  t.equal(await tokens.get(), 'good');
  tokens.forget();
  await t.rejects(tokens.get(), { code: 'NO_TOKEN' });
});
