import { parseArgs } from 'node:util';
import { COMMANDS_HELP } from './desk-commands.ts';
import { businessIdOf, userIdOf } from './named.ts';

/** Says what somebody does with the client. */
export type Purpose =
  | { kind: 'listen' }
  | { kind: 'with'; userIds: readonly string[] }
  | { kind: 'customer'; businessId: string }
  | { kind: 'agent'; businessId: string };

export type ChatOptions = {
  userId: string;
  purpose: Purpose;
  /** Edges are counted from 1. */
  edge: number;
  token: string | undefined;
  /** This file says what runs. */
  stack: string;
};

export const HELP = `A chat client for the terminal, against the running stack.

  npm run -s chat -- --as <user> [--with <user>,… | --business <business> | --inbox <business>]

  --as        who you are; a token is asked from the stand-in unless --token <jwt> gives one
  --with      whom to talk to: one makes a direct conversation, 2 to 7 make a group
  --business  talk to a business, as its customer
  --inbox     answer the customers of a business, as one of its agents
  --edge      which edge to connect to, counted from 1 (default 1)
  --stack     the file that says what runs (default .run/stack.json)

Users and businesses are UUIDs, or names that the stand-in knows: --as asha --business himal.
Every line you type is sent to the conversation of --with or --business, or to the one that wrote
last. A customer is told whether the business is online, and when it opens.

An agent becomes available, and sees who waits and what they have. New conversations are given to
them by themselves. Every line goes to the conversation at hand: the one that they were given, or
took, first, or have chosen since. Conversations have numbers, and these commands take them:

${COMMANDS_HELP}
A number in brackets may be left out for the conversation at hand. Who leaves the client stays as
available as they were, but is given nothing any more once they are away for longer than the
business allows.
`;

/** Reads the command line, or returns 'help'. Throws what is wrong, in words for a person. */
export function readOptions(args: readonly string[]): ChatOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      as: { type: 'string' },
      with: { type: 'string' },
      business: { type: 'string' },
      inbox: { type: 'string' },
      edge: { type: 'string', default: '1' },
      token: { type: 'string' },
      stack: { type: 'string', default: '.run/stack.json' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { as, edge, token, stack } = values;
  if (as === undefined) throw new Error('--as says who you are, and --help all else.');
  const given = [values.with, values.business, values.inbox];
  if (given.filter((value) => value !== undefined).length > 1) {
    throw new Error('--with, --business and --inbox do not go together.');
  }
  return { userId: userIdOf(as), purpose: purposeOf(values), edge: Number(edge), token, stack };
}

type Given = {
  with?: string | undefined;
  business?: string | undefined;
  inbox?: string | undefined;
};

function purposeOf({ with: others, business, inbox }: Given): Purpose {
  if (others !== undefined) return { kind: 'with', userIds: others.split(',').map(userIdOf) };
  if (business !== undefined) return { kind: 'customer', businessId: businessIdOf(business) };
  if (inbox !== undefined) return { kind: 'agent', businessId: businessIdOf(inbox) };
  return { kind: 'listen' };
}
