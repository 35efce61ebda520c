import t from 'tap';
import { findFunctions } from './find-functions.ts';
import { maskSource } from './mask-source.ts';

const find = (text: string) => findFunctions(maskSource(text).code);
const lengths = (text: string): number[] => find(text).map(({ lines }) => lines);

t.test('functions and methods are found, with any return type', async (t) => {
  const types = [
    '',
    ': void',
    ': Promise<{ a: string }>',
    ': { a: (b: B) => C; d: E }',
    ': value is Map<string, string[]>',
    ': asserts value',
    ": 'a' | 'b' | undefined",
    ': (a: A) => Promise<void>',
    ': readonly string[]',
    ": Parts['name'][]",
    ': AsyncGenerator<[number, A]>',
  ];
  for (const type of types) {
    const text = `async function f<A extends B>(a: A)${type} {\n  g(a);\n}\n`;
    const [found, ...more] = find(text).filter(({ block }) => block);
    t.match(found, { name: 'f', line: 1, lines: 3, parameters: 1, block: true }, type);
    t.same(more, []);
  }
  t.match(find('class A {\n  static async #b(c = d(1)): Promise<void> {\n  }\n}'), [
    { name: '#b', line: 2, lines: 2 },
  ]);
});

t.test('arrow functions with a block or an expression are found', async (t) => {
  t.match(find('const f = async (a: A): Promise<B> => {\n  b();\n};'), [{ lines: 3, block: true }]);
  t.match(find('f((a) =>\n  g(a, {\n    b,\n  }),\n);'), [{ lines: 4, block: false }]);
  t.same(lengths('a.map((b) => (c) => {\n  d();\n});'), [3, 3]);
});

t.test('control flow, calls, types and ternaries are not taken for functions', async (t) => {
  const texts = [
    'if (a) {\n}',
    'for await (const a of b()) {\n}',
    'try {\n} catch (error) {\n}',
    'switch (f(a)) {\n  case g(b): {\n    break;\n  }\n}',
    'const a = b ? f(c) : { d };',
    'const a = b ? f(c) : d;',
    'while (f(a)) {\n}',
    'class A extends mixed(B) {\n}',
    'interface A {\n  f(a: A): void;\n}',
    'declare function f(a: A, b: B): void;',
    'const a = { [f(b)]: { c } };',
    'type F = (a: A, b: B, c: C, d: D) => E;',
  ];
  for (const text of texts) t.same(find(text), [], text);
});

t.test('parameters are counted by position', async (t) => {
  const count = (signature: string) => find(`function f(${signature}) {}`)[0]?.parameters;
  t.equal(count(''), 0);
  t.equal(count('{ a, b, c }: { a: A; b: B; c: C }'), 1);
  t.equal(count('a: Map<A, B>, b: (c: C, d: D) => E, ...e: [F, G]'), 3);
  t.equal(count('\n  a: A,\n  b = [1, 2],\n  c: C,\n  d: D,\n'), 4);
});
