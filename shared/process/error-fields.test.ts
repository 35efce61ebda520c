import t from 'tap';
import { toErrorFields, withErrorFields } from './error-fields.ts';

const SECRET = 'select hello from secrets';

/** The error has what a driver hangs on its errors. */
function driverError(message: string): Error {
  const client = { secretKey: 7_654_321, queue: [{ text: SECRET, values: ['hello'] }] };
  return Object.assign(new Error(message), {
    code: '57P01',
    client,
    query: SECRET,
    detail: SECRET,
  });
}

t.test('name, code and message are all that is told of an error', async (t) => {
  t.same(toErrorFields(driverError('terminated')), {
    name: 'Error',
    code: '57P01',
    message: 'terminated',
  });
  t.same(toErrorFields(Object.assign(new TypeError('no'), { code: 20 })), {
    name: 'TypeError',
    code: 20,
    message: 'no',
  });
});

t.test('causes and gathered errors are told in the same way, at most 5 of them', async (t) => {
  const inner = new Error('inner', { cause: driverError('root') });
  const all = new AggregateError([driverError('one'), driverError('two')], 'all', { cause: inner });
  const { causes } = toErrorFields(all);
  t.same(
    causes?.map(({ message }) => message),
    ['inner', 'one', 'two', 'root'],
  );
  t.notMatch(JSON.stringify(causes), SECRET);
  const many = new AggregateError(Array.from({ length: 1_000 }, () => driverError('x')));
  t.equal(toErrorFields(many).causes?.length, 5);
});

t.test('an error that is its own cause is told once', async (t) => {
  const [one, two] = [new Error('one'), new Error('two')];
  one.cause = two;
  two.cause = one;
  t.same(
    toErrorFields(one).causes?.map(({ message }) => message),
    ['two'],
  );
  const self = new AggregateError([], 'self');
  self.errors.push(self);
  t.notOk(toErrorFields(self).causes);
});

t.test('an error whose properties cannot be read is told without them', async (t) => {
  const refuse = () => {
    throw new Error('refused');
  };
  const error = new Error('x');
  for (const key of ['stack', 'name', 'code', 'message', 'cause', 'errors']) {
    Object.defineProperty(error, key, { get: refuse });
  }
  t.same(toErrorFields(error), { name: 'unknown', message: '' });
  const proxy = new Proxy({}, { get: refuse, getPrototypeOf: refuse, ownKeys: refuse });
  t.same(withErrorFields({ err: proxy, other: proxy }), {
    err: { name: 'unknown', message: '' },
    other: { name: 'unknown', message: '' },
  });
  const { proxy: revoked, revoke } = Proxy.revocable([], {});
  revoke();
  const gathering = Object.assign(new Error('gathers'), { errors: revoked });
  t.same(toErrorFields(gathering), { name: 'Error', message: 'gathers' });
});

t.test('a huge message, name or code is cut', async (t) => {
  const huge = Object.assign(new Error('m'.repeat(1e6)), {
    name: 'n'.repeat(1e6),
    code: 'c'.repeat(1e6),
  });
  t.ok(JSON.stringify(toErrorFields(huge)).length < 1_000);
});

t.test('what is thrown without being an error is told too', async (t) => {
  t.same(toErrorFields('gone'), { name: 'string', message: 'gone' });
  t.same(toErrorFields(undefined), { name: 'undefined', message: 'undefined' });
  t.same(toErrorFields(Symbol('s')), { name: 'symbol', message: 'Symbol(s)' });
  t.same(toErrorFields({ client: SECRET }), { name: 'unknown', message: '' });
  t.same(toErrorFields(Object.create(null)), { name: 'unknown', message: '' });
});

t.test('errors deep in the fields of a line are told so, and other fields stay', async (t) => {
  const at = new Date(0);
  const fields = {
    count: 1,
    at,
    tries: [{ reason: driverError('deep') }],
    err: driverError('top'),
  };
  t.same(withErrorFields(fields), {
    count: 1,
    at,
    tries: [{ reason: { name: 'Error', code: '57P01', message: 'deep' } }],
    err: { name: 'Error', code: '57P01', message: 'top' },
  });
  t.equal(withErrorFields('text'), 'text');
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  t.ok(withErrorFields(cycle));
});
