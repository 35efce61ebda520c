const CHARACTERS_MIN = 32;
/** 32 random hexadecimal digits have fewer than 8 different ones once in 10^6 times. */
const DIFFERENT_MIN = 8;
/** 32 random bytes have fewer than 16 different ones once in 10^15 times. */
const DIFFERENT_BYTES_MIN = 16;
const EXAMPLE = /<[^>]*>|…|change.?me|replace.?me|placeholder|example|what.?kaha/i;
const TEXT = /^[\x20-\x7e]*$/;

/**
 * Says why a text cannot be a secret that somebody drew at random, or returns undefined. It may be
 * an example, short, constant, a repetition or a sequence. The answer has nothing of the text.
 */
export function secretProblem(secret: string): string | undefined {
  if (EXAMPLE.test(secret)) return 'is an example';
  if (secret.length < CHARACTERS_MIN) return `must have at least ${CHARACTERS_MIN} characters`;
  return patternProblem([...Buffer.from(secret, 'utf8')], DIFFERENT_MIN);
}

/** Says the same of the bytes of a key. A text is no key, because few bytes are possible in it. */
export function keyProblem(key: Buffer): string | undefined {
  if (TEXT.test(key.toString('latin1'))) return 'is a text and not random';
  return patternProblem([...key], DIFFERENT_BYTES_MIN);
}

function patternProblem(bytes: readonly number[], differentMin: number): string | undefined {
  if (isRepetition(bytes)) return 'repeats itself';
  if (isSequence(bytes)) return 'is a sequence';
  return new Set(bytes).size < differentMin ? 'has too few different characters' : undefined;
}

/** A constant is a repetition, too. The last part may be cut short. */
function isRepetition(bytes: readonly number[]): boolean {
  for (let period = 1; period <= bytes.length / 2; period += 1) {
    if (bytes.every((byte, index) => index < period || byte === bytes[index - period])) return true;
  }
  return false;
}

function isSequence(bytes: readonly number[]): boolean {
  const step = (bytes[1] ?? 0) - (bytes[0] ?? 0);
  return bytes.every((byte, index) => index === 0 || byte - (bytes[index - 1] ?? 0) === step);
}
