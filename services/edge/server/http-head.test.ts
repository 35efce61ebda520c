import t from 'tap';
import { bodyLengthOf, type Head, headProblem, readHead } from './http-head.ts';

/** Reads a head as the library hands it over: all names are in lower case. */
function headOf(...headers: [string, string][]): Head {
  const req = {
    forEach: (each: (name: string, value: string) => void) => {
      for (const [name, value] of headers) each(name, value);
    },
    getCaseSensitiveMethod: () => 'post',
    getUrl: () => '/x',
    getQuery: () => 'a=1',
  };
  return readHead(req as unknown as Parameters<typeof readHead>[0]);
}

t.test('a head has its first values, and tells an empty header from a missing one', async (t) => {
  const { headers, ...rest } = headOf(['a', '1'], ['a', '2'], ['b', '']);
  t.same(rest, { method: 'POST', path: '/x', query: 'a=1', repeated: undefined });
  t.same([headers.get('a'), headers.get('b'), headers.get('c')], ['1', '', undefined]);
});

t.test('a head that frames its body in one way is good', async (t) => {
  for (const [name, head, length] of [
    ['none', headOf(), 0],
    ['a length', headOf(['content-length', '17']), 17],
    ['no bytes', headOf(['content-length', '0']), 0],
    ['chunks', headOf(['transfer-encoding', 'Chunked']), Number.POSITIVE_INFINITY],
    ['others may stand twice', headOf(['cookie', 'a'], ['cookie', 'b']), 0],
  ] as const) {
    t.equal(headProblem(head), undefined, name);
    t.equal(bodyLengthOf(head), length, name);
  }
});

t.test('a head that two servers may read in two ways is bad', async (t) => {
  const length = (value: string): [string, string] => ['content-length', value];
  const coding = (value: string): [string, string] => ['transfer-encoding', value];
  for (const [name, head] of [
    ['two lengths', headOf(length('5'), length('6'))],
    ['one length twice', headOf(length('5'), length('5'))],
    ['lengths in one header', headOf(length('5, 5'))],
    ['a negative length', headOf(length('-1'))],
    ['a sign', headOf(length('+1'))],
    ['a hexadecimal length', headOf(length('0x10'))],
    ['a fraction', headOf(length('1.0'))],
    ['no length', headOf(length(''))],
    ['a length beyond all', headOf(length('9'.repeat(16)))],
    ['a length and chunks', headOf(length('5'), coding('chunked'))],
    ['gzip and chunks', headOf(coding('gzip, chunked'))],
    ['chunks, not last', headOf(coding('chunked, gzip'))],
    ['no coding', headOf(coding(''))],
    ['identity', headOf(coding('identity'))],
    ['chunks twice', headOf(coding('chunked'), coding('chunked'))],
    ['almost chunks', headOf(coding('xchunked'))],
    ['two hosts', headOf(['host', 'a'], ['host', 'b'])],
    ['two callers', headOf(['authorization', 'a'], ['authorization', 'b'])],
  ] as const) {
    t.type(headProblem(head), 'string', name);
  }
});
