import { namedUsers } from './kaha/people.ts';
import type { RegisteredBusiness } from './kaha/register-businesses.ts';
import type { Urls } from './stack/stack-file.ts';

type Ready = {
  urls: Urls;
  businesses: readonly RegisteredBusiness[];
  isDetached: boolean;
  runDir: string;
};

/** Somebody may have given a business many agents, but the screen is small. */
const AGENTS_SHOWN = 3;
const ID_CHARACTERS = 36;
/** Ids that differ in no more than the last characters are shown by those after the first one. */
const LAST_CHARACTERS = 3;

/** Says in one screen what a stack that is ready serves, and how to try it. */
export function readyScreen({ urls, businesses, isDetached, runDir }: Ready): string {
  const [edge] = urls.edges as [string];
  const lines = [
    '',
    'kaha-chat is ready',
    '',
    `  Page        ${edge}/`,
    ...urls.edges.map((url, index) => `  Edge ${index + 1}      ${url}/ws  (WebSocket)`),
    `  REST        ${edge}/api/v1`,
    `  Docs        ${edge}/docs  (try requests there)`,
    '  Token       npm run -s token -- <user-uuid>, or --service',
    '  Chat        npm run -s chat -- --help',
    ...(urls.pushes === undefined ? [] : [`  Pushes      ${urls.pushes}/  (what devices got)`]),
    ...businesses.flatMap(({ id, name, agents }) => [
      `  Business    ${id}  ${name}`,
      `    agents    ${agentsText(agents)}`,
    ]),
    `  Logs        ${runDir}/*.log, what runs: ${runDir}/stack.json`,
    `  Stop        ${isDetached ? 'npm run down' : 'Ctrl-C'}`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}

function agentsText(agents: RegisteredBusiness['agents']): string {
  const names = namedUsers();
  const head = ID_CHARACTERS - LAST_CHARACTERS;
  const shown = agents.slice(0, AGENTS_SHOWN).map(({ user_id: id, role }, index) => {
    const isLikeFirst = index > 0 && id.slice(0, head) === agents[0]?.user_id.slice(0, head);
    const about = [names.get(id)?.name, role === 'manager' ? '(manager)' : undefined];
    return [isLikeFirst ? `…${id.slice(head)}` : id, ...about].filter(Boolean).join(' ');
  });
  if (agents.length > AGENTS_SHOWN) shown.push('…');
  return shown.length === 0 ? 'none' : shown.join(', ');
}
