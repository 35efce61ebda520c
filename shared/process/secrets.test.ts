import { randomBytes } from 'node:crypto';
import t from 'tap';
import { keyProblem, secretProblem } from './secrets.ts';

t.test('a text that nobody drew at random is no secret, and is not told', async (t) => {
  for (const [weak, why] of [
    ['', /32 characters/],
    ['x9f8-short', /32 characters/],
    ['a'.repeat(64), /repeats/],
    ['0'.repeat(48), /repeats/],
    ['0123456789abcdef0123456789abcdef', /repeats/],
    ['s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t', /repeats/],
    [String.fromCharCode(...Array.from({ length: 40 }, (_, n) => 65 + n)), /sequence/],
    ['aabbaabbaaabbbababbbabaabbaabbba', /different/],
    ['<48 hexadecimal digits: openssl rand -hex 24>', /example/],
    ['please-change-me-please-xyz-0123456789', /example/],
    ['what kaha-main-v3 knows kaha-chat by', /example/],
    ['SU…', /example/],
  ] as const) {
    const problem = String(secretProblem(weak));
    t.match(problem, why, weak);
    if (weak !== '') t.notOk(problem.includes(weak));
  }
});

t.test('secrets as commands make them are taken', async (t) => {
  for (let n = 0; n < 1_000; n += 1) {
    t.equal(secretProblem(randomBytes(24).toString('hex')), undefined);
    t.equal(secretProblem(randomBytes(24).toString('base64url')), undefined);
    t.equal(keyProblem(randomBytes(32)), undefined);
  }
});

t.test('a key is neither constant nor a pattern nor a text', async (t) => {
  const sequence = Buffer.from(Array.from({ length: 32 }, (_, n) => n));
  for (const weak of [
    Buffer.alloc(32),
    Buffer.alloc(32, 0xff),
    Buffer.alloc(32, randomBytes(16)),
    Buffer.alloc(32, randomBytes(11)),
    sequence,
    Buffer.from('correct horse battery staple 123'),
    Buffer.concat([Buffer.alloc(28), randomBytes(4)]),
  ]) {
    t.type(keyProblem(weak), 'string');
  }
});
