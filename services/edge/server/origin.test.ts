import t from 'tap';
import { isOriginAllowed } from './origin.ts';

t.test('an origin matches exactly or by its host, and never by looking alike', async (t) => {
  const allowed = ['https://app.example', 'http://localhost:*'];
  const good = [
    '',
    'https://app.example',
    'http://localhost',
    'http://localhost:1',
    'http://localhost:65535',
  ];
  const bad = [
    'null',
    'http://app.example',
    'https://app.example:444',
    'https://app.example.evil',
    'https://localhost:1',
    'http://localhost:',
    'http://localhost:1.evil',
    'http://localhost:x',
    'http://localhost.evil:80',
  ];
  for (const origin of good) t.ok(isOriginAllowed(origin, allowed), origin);
  for (const origin of bad) t.notOk(isOriginAllowed(origin, allowed), origin);
  t.notOk(isOriginAllowed('http://localhost', []));
});
