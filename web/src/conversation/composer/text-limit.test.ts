import t from 'tap';
import { CHARACTERS_MAX, limitOf } from './text-limit.ts';

t.test('a blank text is refused without a hint', async (t) => {
  for (const text of ['', ' ', '\n\t ']) t.same(limitOf(text), { isRefused: true });
  t.same(limitOf('a'), { isRefused: false });
});

t.test('the limit counts characters, not the units that hold them', async (t) => {
  t.same(limitOf('🙂'.repeat(CHARACTERS_MAX)), { isRefused: false, hint: '0 characters left' });
  t.same(limitOf('🙂'.repeat(CHARACTERS_MAX + 1)), {
    isRefused: true,
    hint: '1 character too many',
  });
  t.same(limitOf('🙂'.repeat(CHARACTERS_MAX / 2)), { isRefused: false });
});

t.test('the hint comes when 500 characters are left', async (t) => {
  t.equal(limitOf('a'.repeat(7_499)).hint, undefined);
  t.equal(limitOf('a'.repeat(7_500)).hint, '500 characters left');
  t.equal(limitOf('a'.repeat(7_999)).hint, '1 character left');
});
