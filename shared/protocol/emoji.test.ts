import t from 'tap';
import { canonicalEmoji, emojiProblem } from './emoji.ts';

t.test('an emoji is accepted, whatever code points it is made of', (t) => {
  const emoji = [
    ...['👍', '👍🏽', '❤️', '🇳🇵', '1️⃣', '#️⃣', '👨‍👩‍👧‍👦'],
    ...['🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🏳️‍🌈', '👁️‍🗨️', '🕵🏽‍♂️'],
    ...['👩🏽‍❤️‍💋‍👨🏿', '🐦‍🔥', '⚧️', '©️'],
    ...['👨🏿‍👩🏿‍👧🏿‍👦🏿', '🧑🏽‍❤️‍🔥'],
  ];
  for (const one of emoji) t.equal(canonicalEmoji(one), one);
  t.end();
});

t.test('an emoji is written in one way, with or without variation selectors', (t) => {
  const typed = {
    '❤': '❤️',
    '🏳‍🌈': '🏳️‍🌈',
    '1⃣': '1️⃣',
    '👁‍🗨': '👁️‍🗨️',
    '👍️': '👍',
    '☝🏽': '☝🏽',
    '☝': '☝️',
    '🧑🏽‍❤‍🔥': '🧑🏽‍❤️‍🔥',
  };
  for (const [text, emoji] of Object.entries(typed)) t.equal(canonicalEmoji(text), emoji);
  t.end();
});

t.test('a text that is no emoji, or more than one, is refused', (t) => {
  const others = [
    '',
    ' ',
    'a',
    '1',
    '#',
    '🇽🇽',
    '🇳',
    '👍👍',
    '👍 ',
    '👍a',
    'é',
    '\u200d',
    '\ufe0f',
    '❤❤',
    '👍\u200d',
    '\u200d👍',
    '👍\u200d\u200d👍',
    '👍\u200da',
    '👍\u200d👍👍',
    '👍\u200d🇳🇵',
  ];
  for (const text of others) t.type(emojiProblem(text), 'string', JSON.stringify(text));
  t.end();
});
