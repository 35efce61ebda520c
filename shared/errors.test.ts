import t from 'tap';
import { ERRORS, type ErrorCode, KahaError } from './errors.ts';

t.test(
  'what is away or too busy is retryable, a fault of the request or of ours is not',
  async (t) => {
    const codes = Object.keys(ERRORS) as ErrorCode[];
    const retryable = codes.filter((code) => new KahaError(code, 'away').isRetryable);
    t.same(retryable, [
      'RATE_LIMITED',
      'DATABASE_UNAVAILABLE',
      'MESSAGING_UNAVAILABLE',
      'PROFILE_SERVICE_UNAVAILABLE',
      'TIMEOUT',
    ]);
    t.notOk(KahaError.from(new TypeError('a bug')).isRetryable);
  },
);
