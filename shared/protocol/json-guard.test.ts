import t from 'tap';
import { jsonProblem } from './json-guard.ts';

function problem(text: string): string | undefined {
  return jsonProblem(JSON.parse(text), text);
}

t.test('JSON of depth 8 is accepted and of depth 9 refused, in lists and in objects', async (t) => {
  const list = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  const object = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  t.equal(problem(list(8)), undefined);
  t.type(problem(list(9)), 'string');
  t.equal(problem(object(8)), undefined);
  t.type(problem(object(9)), 'string');
  t.type(problem(list(30_000)), 'string', 'and it ends early');
});

t.test('keys that mean something to JavaScript are found at any depth', async (t) => {
  for (const key of ['__proto__', 'constructor', 'prototype', '\\u005f_proto__']) {
    t.type(problem(`{"${key}":1}`), 'string', key);
    t.type(problem(`{"a":[{"b":{"${key}":{}}}]}`), 'string', key);
  }
  t.equal(problem('{"a":"__proto__"}'), undefined, 'as a value it is a word');
  t.equal(problem('{"proto":1,"Constructor":2}'), undefined);
});

t.test('NUL and half characters are found in strings and keys', async (t) => {
  for (const bad of ['\\u0000', 'a\\u0000b', '\\ud83d', '\\ude00', '\\ude00\\ud83d', 'x\\uD83Dx']) {
    t.type(problem(`"${bad}"`), 'string', bad);
    t.type(problem(`{"a":["${bad}"]}`), 'string', bad);
    t.type(problem(`{"${bad}":1}`), 'string', bad);
  }
  t.equal(problem('["\\ud83d\\ude00","😀","\\u0001","\\\\u0000"]'), undefined);
});

t.test('numbers that a double cannot keep are found at any depth', async (t) => {
  for (const bad of ['9007199254740992', '-9007199254740993', '1e400', '-1e400', '1e16']) {
    t.equal(problem(bad), 'a number is beyond ±(2^53-1)', bad);
    t.type(problem(`{"a":[{"b":${bad}}]}`), 'string', bad);
  }
  for (const good of ['9007199254740991', '-9007199254740991', '0.1', '1e-7', '1e15', '-0']) {
    t.equal(problem(`{"a":[${good}]}`), undefined, good);
  }
  t.equal(problem('{"a":1e400,"a":1}'), undefined, 'the last value of a key counts');
  t.equal(problem('{"a":"9007199254740993"}'), undefined, 'a string keeps each digit');
});
