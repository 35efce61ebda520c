import t from 'tap';
import { COMMANDS_HELP, readCommand } from './desk-commands.ts';

t.test('a line that begins with a slash is a command, and any other is text', async (t) => {
  t.same(readCommand('/take'), { name: 'take', words: [] });
  t.same(readCommand('/transfer  jaya 2 '), { name: 'transfer', words: ['jaya', '2'] });
  t.equal(readCommand('take it'), undefined);
  t.equal(readCommand(''), undefined);
});

t.test('a mistyped command is not sent to a customer', async (t) => {
  for (const line of ['/tkae', '/', '//', '/constructor', '/Take']) {
    t.throws(() => readCommand(line), /\/help/, line);
  }
});

t.test('the help has a line for each command', async (t) => {
  for (const name of ['take', 'to', 'transfer', 'release', 'close', 'reopen', 'away', 'quit']) {
    t.match(COMMANDS_HELP, `  /${name} `);
  }
});
