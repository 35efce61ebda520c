import t from 'tap';
import { newId } from '../ids.ts';
import { serverFrames } from './server-frames.ts';
import { compileValidator } from './validator.ts';

t.test('a frame of the server may have unknown fields, but needs all required ones', async (t) => {
  const validator = compileValidator(serverFrames.message);
  const event = {
    type: 'message',
    message_id: newId(),
    conversation_id: newId(),
    seq: 1,
    sender_id: newId(),
    version: 1,
    message_type: 'system',
    sent_at: '2026-01-01T00:00:00.000Z',
    added_next_year: true,
  };
  t.ok(validator.check(event));
  t.ok(validator.check({ ...event, q: 1 }));
  t.notOk(validator.check({ ...event, seq: undefined }));
});
