import t from 'tap';
import { createDrafts } from './drafts.ts';

function memory() {
  const values = new Map<string, string>();
  return {
    values,
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
}

t.test('each conversation has its draft, which a reload brings back', async (t) => {
  const store = memory();
  const drafts = createDrafts(store, 'ann');
  drafts.keep('one', { text: 'Hel', replyTo: 'm1' });
  drafts.keep('two', { text: 'Good' });
  const reloaded = createDrafts(store, 'ann');
  t.same(reloaded.of('one'), { text: 'Hel', replyTo: 'm1' });
  t.same(reloaded.of('two'), { text: 'Good' });
  t.same(reloaded.of('three'), { text: '' });
  t.same(createDrafts(store, 'bob').of('one'), { text: '' }, 'drafts of others are not shown');
});

t.test('an empty draft is forgotten', async (t) => {
  const store = memory();
  const drafts = createDrafts(store, 'ann');
  drafts.keep('one', { text: 'Hel' });
  drafts.keep('one', { text: '' });
  t.equal(store.values.size, 0);
  t.same(drafts.of('one'), { text: '' });
});

t.test('a store that refuses, or is not there, keeps drafts while the page is open', async (t) => {
  const refuse = (): never => {
    throw new Error('QuotaExceededError');
  };
  const refusing = { getItem: refuse, setItem: refuse, removeItem: refuse };
  for (const store of [refusing, undefined]) {
    const drafts = createDrafts(store, 'ann');
    drafts.keep('one', { text: 'Hel' });
    t.same(drafts.of('one'), { text: 'Hel' });
    drafts.keep('one', { text: '' });
    t.same(drafts.of('one'), { text: '' });
  }
});

t.test('a huge draft is not written to the store', async (t) => {
  const store = memory();
  const drafts = createDrafts(store, 'ann');
  drafts.keep('one', { text: 'a'.repeat(20_001) });
  t.equal(store.values.size, 0);
  t.equal(drafts.of('one').text.length, 20_001);
});

t.test('only so many drafts stay in memory, and the others are read again', async (t) => {
  const drafts = createDrafts(memory(), 'ann');
  for (let n = 0; n < 300; n += 1) drafts.keep(`c${n}`, { text: `${n}` });
  t.same([drafts.of('c0'), drafts.of('c299')], [{ text: '0' }, { text: '299' }]);
});

t.test('what another program wrote is no draft', async (t) => {
  const store = memory();
  for (const value of ['{', '7', 'null', '{"text":7}', '[]']) {
    store.values.set('draft:ann:one', value);
    t.same(createDrafts(store, 'ann').of('one'), { text: '' }, value);
  }
});
