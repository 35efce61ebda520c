import t from 'tap';
import { hueOf, initialsOf } from './initials.ts';

t.test('initials are the first letters of the first and the last word', async (t) => {
  const names: [string, string][] = [
    ['Asha', 'A'],
    ['asha', 'A'],
    ['Himal Books', 'HB'],
    ['Anna Maria von Thun', 'AT'],
    ['  (Eli) ', 'E'],
    ['आशा गुरुङ', 'आगु'],
    ['<script>alert(1)</script>', 'SS'],
    ['👋', '?'],
    ['', '?'],
  ];
  for (const [name, initials] of names) t.equal(initialsOf(name), initials, name);
});

t.test('an id always has the same colour, and many ids have all of them', async (t) => {
  const id = (number: number): string =>
    `11111111-0000-4000-8000-${String(number).padStart(12, '0')}`;
  t.equal(hueOf(id(1)), hueOf(id(1)));
  const hues = new Set(Array.from({ length: 200 }, (_, index) => hueOf(id(index))));
  t.same(
    [...hues].sort((a, b) => a - b),
    Array.from({ length: 12 }, (_, hue) => hue),
  );
});
