import t from 'tap';
import { ERRORS, type ErrorCode, KahaError } from './errors.ts';

t.test(
  'an error is retryable if a part is away or too busy, and not if request or code is wrong',
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
