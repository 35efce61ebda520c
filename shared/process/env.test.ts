import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError, EnvReader, readCommonConfig } from './env.ts';

t.test('the error names every problem at once', async (t) => {
  const reader = new EnvReader({ INSTANCE: 'Edge 1', ADMIN_PORT: 'x', LOG_LEVEL: 'loud' });
  readCommonConfig(reader);
  const problems = problemsOf(reader);
  const names = ['INSTANCE', 'NATS_URL', 'NATS_NKEY_SEED', 'ADMIN_PORT', 'LOG_LEVEL', 'LOG_HASH'];
  for (const name of names) {
    t.ok(
      problems.some((problem) => problem.startsWith(name)),
      name,
    );
  }
});

t.test('a secret may come from a file, and a missing file is a problem', async (t) => {
  const path = join(t.testdir({}), 'secret');
  writeFileSync(path, 's3cret\n');
  const reader = new EnvReader({ A_FILE: path, B_FILE: `${path}.missing` });
  t.equal(reader.string('A'), 's3cret');
  reader.string('B');
  t.match(problemsOf(reader), [/B_FILE: cannot read/, /B .*required/]);
});

t.test('a secret that is weak, or serves for something else, is a problem', async (t) => {
  const [one, other] = ['9d1f6c0b7ae24835', 'k3v8Qz1mXw5Rt7Yp'].map(
    (half) => `${half}LnB4cJ6dHs2gFa0e`,
  );
  const reader = new EnvReader({
    A: one,
    B: other,
    C: one,
    D: '0'.repeat(48),
    E: '<48 hexadecimal digits>',
    F: 'short',
    DATABASE_URL: 'postgres://kaha:<password>@postgres/kaha',
  });
  for (const name of ['A', 'B', 'C', 'D', 'E', 'F', 'G']) reader.secret(name);
  reader.url('DATABASE_URL', ['postgres:']);
  const problems = problemsOf(reader);
  t.match(problems, [
    'C is the same secret as A',
    'D repeats itself',
    'E is an example',
    'F must have at least 32 characters',
    'G (or G_FILE) is required',
    'DATABASE_URL is an example',
  ]);
});

t.test('numbers are whole and within their range', async (t) => {
  const reader = new EnvReader({ A: '1.5', B: '11', C: '7' });
  const range = { min: 1, max: 10, byDefault: 3 };
  t.equal(reader.integer('C', range), 7);
  t.equal(reader.integer('D', range), 3);
  reader.integer('A', range);
  reader.integer('B', range);
  t.equal(problemsOf(reader).length, 2);
});

function problemsOf(reader: EnvReader): readonly string[] {
  try {
    reader.done();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
  }
  return [];
}
