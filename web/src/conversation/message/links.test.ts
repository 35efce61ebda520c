import t from 'tap';
import { partsOf } from './links.ts';

const linksIn = (text: string) =>
  partsOf(text)
    .filter(({ address }) => address !== undefined)
    .map(({ text: shown }) => shown);

t.test('addresses are found, without the sentence around them', async (t) => {
  t.same(partsOf('See https://kaha.example/a?b=1#c.'), [
    { text: 'See ', at: 0 },
    { text: 'https://kaha.example/a?b=1#c', at: 4, address: 'https://kaha.example/a?b=1#c' },
    { text: '.', at: 32 },
  ]);
  t.same(linksIn('(https://a.example/x) and HTTP://B.example!'), [
    'https://a.example/x',
    'HTTP://B.example',
  ]);
  t.same(linksIn('https://en.example/wiki/Chat_(app)'), ['https://en.example/wiki/Chat_(app)']);
});

t.test('other schemes and addresses that hide their host make no links', async (t) => {
  const texts = [
    ...['javascript:alert(1)', 'data:text/html,<script>alert(1)</script>', 'file:///etc/passwd'],
    ...['vbscript:x', 'ftp://a.example', 'https://bank.example@evil.example', 'http://', 'https:x'],
    ...['xhttps://a.example', 'https://\u202egro.elpmaxe'],
  ];
  for (const text of texts) t.same(linksIn(text), [], text);
});

t.test('the parts are the text, whatever it is', async (t) => {
  const long = 'https://a.example '.repeat(1_000);
  for (const text of [
    '',
    'a',
    long,
    '\n\n https://a.example\n',
    '"https://a.example"',
    '🙂'.repeat(9),
  ]) {
    t.equal(
      partsOf(text)
        .map((part) => part.text)
        .join(''),
      text,
    );
  }
  t.ok(partsOf(long).length <= 200, 'and there are not too many');
});
