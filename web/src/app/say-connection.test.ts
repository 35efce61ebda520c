import t from 'tap';
import { sayConnection, sayWaiting } from './say-connection.ts';

t.test('the badge says how the connection stands, and why it ended', async (t) => {
  t.match(sayConnection({ status: 'connected', code: 1006 }, true), { kind: 'good', reason: '' });
  t.match(sayConnection({ status: 'connecting' }, true), { kind: 'busy', reason: '' });
  t.match(sayConnection({ status: 'connecting', code: 1006 }, true), { reason: /broke/ });
  t.match(sayConnection({ status: 'connecting', code: 4000 }, true), { reason: /restarting/ });
  t.match(sayConnection({ status: 'suspended', code: 4504 }, true), {
    ...{ kind: 'bad', word: 'Ended', reason: 'You use too many devices.' },
  });
  t.match(sayConnection({ status: 'suspended', code: 4999, reason: 'No more' }, true), {
    reason: 'No more',
  });
  t.match(sayConnection({ status: 'suspended' }, true), { reason: /has ended/ });
});

t.test('a network that the user switched off explains all else', async (t) => {
  for (const status of ['connected', 'connecting', 'disconnected', 'suspended'] as const) {
    t.match(sayConnection({ status }, false), { kind: 'bad', word: 'Offline', reason: /switched/ });
  }
});

t.test('what is not at the server is counted, and nothing is not', async (t) => {
  t.equal(sayWaiting(0, 0), '');
  t.equal(sayWaiting(1, 0), '1 message waits to be sent.');
  t.equal(sayWaiting(3, 1), '3 messages wait to be sent. 1 message was not sent.');
  t.equal(sayWaiting(0, 2), '2 messages were not sent.');
});
