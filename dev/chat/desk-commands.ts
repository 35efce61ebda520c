/** A line that an agent types is one of these, or text for the conversation at hand. */
const COMMANDS = {
  list: { takes: '', about: 'who waits, and what you have' },
  take: {
    takes: '[n]',
    about: 'take a conversation, or without a number the one that waits longest',
  },
  to: { takes: '<n>', about: 'choose the conversation at hand, and show what was said' },
  transfer: { takes: '<agent> [n]', about: 'give it to another agent' },
  release: { takes: '[n]', about: 'let it wait for an agent again' },
  close: { takes: '[n]', about: 'close it' },
  reopen: { takes: '<n>', about: 'open it again; it waits, and you come first' },
  closed: { takes: '', about: 'what you had last and is closed; for a manager, all that is' },
  assigned: { takes: '', about: 'what all agents have; for a manager' },
  agents: { takes: '', about: 'the agents, and what each has' },
  available: { takes: '', about: 'be given conversations' },
  away: { takes: '', about: 'be given nothing new' },
  offline: { takes: '', about: 'be given nothing, and lose what you have not answered' },
  wait: { takes: '', about: 'read no more lines until you have a conversation' },
  help: { takes: '', about: 'these commands' },
  quit: { takes: '', about: 'leave' },
} as const;

export type CommandName = keyof typeof COMMANDS;
type Command = { name: CommandName; words: string[] };

const COLUMN = 24;

/** The help has a line for each command. */
export const COMMANDS_HELP = Object.entries(COMMANDS)
  .map(([name, { takes, about }]) => `  ${`/${name} ${takes}`.padEnd(COLUMN)}${about}\n`)
  .join('');

/**
 * Returns the command of a line, or undefined for a line that is text. Throws if there is no such
 * command, so that a mistyped one is not sent to a customer.
 */
export function readCommand(line: string): Command | undefined {
  if (!line.startsWith('/')) return undefined;
  const [name = '', ...words] = line.slice(1).trim().split(/\s+/);
  if (!Object.hasOwn(COMMANDS, name))
    throw new Error(`There is no /${name}; /help lists commands.`);
  return { name: name as CommandName, words };
}
