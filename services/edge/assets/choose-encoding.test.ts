import t from 'tap';
import { chooseEncoding, ENCODINGS } from './choose-encoding.ts';

t.test('a client gets the smallest form that it takes', async (t) => {
  const cases: [string, string | undefined][] = [
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip, deflate', 'gzip'],
    ['GZIP;q=0.5', 'gzip'],
    ['br;q=0.1, gzip;q=1', 'br'],
    ['*', 'br'],
    ['br;q=0, *', 'gzip'],
  ];
  for (const [header, encoding] of cases) t.equal(chooseEncoding(header, ENCODINGS), encoding);
});

t.test('a client that takes no form, or refuses it, gets the bytes as they are', async (t) => {
  const headers = ['', 'identity', 'br;q=0, gzip;q=0.0', '*;q=0', 'zstd', ',;,q=1', 'br;q=x'];
  for (const header of headers) t.equal(chooseEncoding(header, ENCODINGS), undefined, header);
  t.equal(chooseEncoding('br, gzip', []), undefined);
  t.equal(chooseEncoding('br, gzip', ['gzip']), 'gzip');
});
