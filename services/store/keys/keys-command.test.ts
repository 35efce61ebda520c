import t from 'tap';
import { HELP, readKeysCommand } from './keys-command.ts';

t.test('the commands are read', async (t) => {
  t.same(readKeysCommand(['status']), { kind: 'status' });
  t.same(readKeysCommand(['rotate']), { kind: 'rotate' });
  t.same(readKeysCommand(['reencrypt']), { kind: 'reencrypt', rowsPerS: 10_000 });
  const paced = ['reencrypt', '--rows-per-s', '500'];
  t.same(readKeysCommand(paced), { kind: 'reencrypt', rowsPerS: 500 });
});

t.test('help is given to who asks for it, and to who asks for nothing that is there', async (t) => {
  t.same(readKeysCommand(['--help']), { kind: 'help', isAsked: true });
  t.same(readKeysCommand(['rotate', '--help']), { kind: 'help', isAsked: true });
  const wrong = [
    [],
    ['destroy'],
    ['status', 'rotate'],
    ['status', '--rows-per-s', '5'],
    ['reencrypt', '--rows-per-s', '0'],
    ['reencrypt', '--rows-per-s', 'many'],
    ['reencrypt', '--rows-per-s', '1.5'],
    ['rotate', '--fast'],
  ];
  for (const args of wrong) {
    t.same(readKeysCommand(args), { kind: 'help', isAsked: false }, args.join(' '));
  }
});

t.test('the help says both steps of a change of keys', async (t) => {
  t.match(HELP, /1\. Put the new key behind the others.*2\. Put it in front/s);
});
