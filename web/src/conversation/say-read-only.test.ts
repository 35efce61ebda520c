import t from 'tap';
import { sayReadOnly } from './say-read-only.ts';

t.test('an agent is told what to do before they can answer', async (t) => {
  t.match(sayReadOnly({ type: 'business', state: 'waiting' }), /^Take/);
  t.match(sayReadOnly({ type: 'business', state: 'closed' }), /closed/);
  t.match(sayReadOnly({ type: 'business', state: 'assigned' }), /Another agent/);
});

t.test('somebody who has left a group is told so', async (t) => {
  t.match(sayReadOnly({ type: 'group' }), /do not take part/);
});
