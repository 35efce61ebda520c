import t from 'tap';
import type { Conversation } from '../../../../clients/js/src/protocol/shapes.ts';
import { matches, piecesOf } from './matches.ts';

const named = (name: string, ...others: string[]): Conversation =>
  ({ name, participants: others.map((one) => ({ name: one })) }) as unknown as Conversation;

t.test('a conversation is found by the beginnings of words in its names', async (t) => {
  const group = named('Trek to Lobuche', 'Asha', 'Éli Brown');
  for (const words of ['trek', 'LOB tr', 'ash', 'eli', 'élí b', 'trek asha', '  ', '…']) {
    t.ok(matches(group, words), words);
  }
  for (const words of ['rek', 'trek maya', 'ashab', 'obuche'])
    t.notOk(matches(group, words), words);
});

t.test('a found text is split at its ranges, which count code points', async (t) => {
  t.same(piecesOf('👋 hello world', [[2, 5]]), [
    { text: '👋 ', isFound: false, start: 0 },
    { text: 'hello', isFound: true, start: 2 },
    { text: ' world', isFound: false, start: 7 },
  ]);
  t.same(piecesOf('ab', [[0, 2]]), [{ text: 'ab', isFound: true, start: 0 }]);
  t.same(piecesOf('ab', []), [{ text: 'ab', isFound: false, start: 0 }]);
});

t.test(
  'ranges that overlap or lie outside lose nothing of the text and repeat nothing',
  async (t) => {
    const odd: [number, number][][] = [
      [
        [3, 2],
        [0, 4],
      ],
      [[1, 99]],
      [[50, 2]],
      [[2, 0]],
    ];
    for (const ranges of odd) {
      const text = piecesOf('abcdef', ranges)
        .map((piece) => piece.text)
        .join('');
      t.equal(text, 'abcdef', JSON.stringify(ranges));
    }
  },
);
