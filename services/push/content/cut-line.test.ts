import t from 'tap';
import { cutLine } from './cut-line.ts';

const BOUND = { visible: 178, bytes: 1_600 };
const FAMILY = '👨‍👩‍👧‍👦';
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const seen = (line: string): string[] => [...segmenter.segment(line)].map(({ segment }) => segment);

t.test('a text that fits is not changed', async (t) => {
  for (const text of ['Hi', 'a'.repeat(178), FAMILY.repeat(20), 'שלום', 'é'.repeat(178)]) {
    t.equal(cutLine(text, BOUND), text);
  }
});

t.test('8000 characters become 178 that end with an ellipsis', async (t) => {
  const line = cutLine('word '.repeat(1_600), BOUND);
  t.equal(seen(line).length, 178);
  t.match(line, /word wo…$/);
});

t.test('no emoji and no letter with marks is cut in two', async (t) => {
  for (const character of [FAMILY, '🇳🇵', '👍🏽', 'क्षि', 'e\u0301\u0323', '🏴󠁧󠁢󠁥󠁮󠁧󠁿']) {
    const whole = seen(character);
    const line = cutLine(character.repeat(500), BOUND);
    const parts = seen(line);
    t.equal(parts.at(-1), '…', character);
    t.ok(parts.length <= 178);
    t.same([...new Set(parts.slice(0, -1))], [...new Set(whole)], character);
    t.ok(Buffer.byteLength(line) <= BOUND.bytes, 'the bytes are bounded');
  }
});

t.test('a heap of marks on one letter costs neither time nor bytes', async (t) => {
  const line = cutLine(`a${'\u0301'.repeat(7_999)}`, BOUND);
  t.ok(Buffer.byteLength(line) < 100);
  t.match(line, /^a\u0301+/);
  const heaps = cutLine(`a${'\u0301'.repeat(50)}`.repeat(150), BOUND);
  t.ok(Buffer.byteLength(heaps) <= BOUND.bytes);
});

t.test('breaks, tabs and controls become one space', async (t) => {
  t.equal(cutLine(' a\r\n\n b\tc\u0000d\u2028e\u0085f ', BOUND), 'a b c d e f');
});

t.test('overrides and open embeddings are left out, and joiners stay', async (t) => {
  t.equal(cutLine('\u202egnp.exe\u202c \u2067a\u2066', BOUND), 'gnp.exe a');
  t.equal(cutLine('نمی\u200cخواهم', BOUND), 'نمی\u200cخواهم');
});

t.test('a text that shows nothing is an empty line', async (t) => {
  for (const text of ['', '  \n ', '\u200b\u200d', '\u202e\u2066', '\ufeff\u00ad']) {
    t.equal(cutLine(text, BOUND), '');
  }
});

t.test('half a character is left out, wherever it stands', async (t) => {
  t.equal(cutLine('a\ud83db', BOUND), 'ab');
  const long = `${'a'.repeat(178 * 64 - 1)}😀`;
  t.notMatch(cutLine(long, { visible: 20_000, bytes: 20_000 }), /\p{Surrogate}/u);
});
