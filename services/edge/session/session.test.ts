import t from 'tap';
import { Session } from './session.ts';

t.test('a client is in use for 60 s after a frame, and not before its first', async (t) => {
  const nowMs = 1_700_000_000_000;
  const session = new Session(nowMs);
  t.notOk(session.isInUse(nowMs));
  session.lastUseAt = nowMs;
  t.ok(session.isInUse(nowMs + 60_000));
  t.notOk(session.isInUse(nowMs + 60_001));
});
