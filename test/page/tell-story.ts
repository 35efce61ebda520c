import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../shared/ids.ts';
import type { System } from '../stage/stack.ts';
import { businessIdOf, userIdOf } from './named.ts';
import { CUSTOMERS, STORY, type Talk } from './story.ts';

type Door = { rest: System['rest']; stack: Pick<System['stack'], 'token'> };
type Ask = (by: string, what: string, body?: unknown) => Promise<Record<string, unknown>>;

const TRIES = 10;

/** Lets the named people say what the story tells, in its order. */
export async function tellStory(door: Door): Promise<void> {
  const ask = createAsk(door);
  for (const { by, lines, agent } of CUSTOMERS) {
    const { id } = await start(ask, { people: [by], business: 'Himal Books', lines: [] });
    for (const text of lines) await say(ask, id, { by, text });
    if (agent) await ask(agent, `PUT /conversations/${id}/assignee`, {});
  }
  for (const talk of STORY) await tellTalk(ask, talk);
}

async function tellTalk(ask: Ask, talk: Talk): Promise<void> {
  const { id, first } = await start(ask, talk);
  const said: string[] = [];
  for (const line of talk.lines) {
    if (talk.business && line.by !== first && said.length === 1) {
      await ask(line.by, `PUT /conversations/${id}/assignee`, {});
    }
    const { by, text } = line;
    const replyTo = line.replyTo === undefined ? undefined : said[line.replyTo];
    const messageId = await say(ask, id, { by, text, replyTo });
    said.push(messageId);
    for (const [name, emoji] of line.reactions ?? []) {
      await ask(name, `PUT /messages/${messageId}/reactions/${encodeURIComponent(emoji)}`);
    }
    for (const name of talk.people) await ask(name, `PUT /messages/${messageId}/read`);
  }
}

async function start(ask: Ask, talk: Talk): Promise<{ id: string; first: string }> {
  const { people, title, business } = talk;
  const [first = '', ...others] = people;
  const body = business
    ? { type: 'business', business_id: businessIdOf(business) }
    : {
        ...{ type: others.length === 1 ? 'direct' : 'group' },
        ...{ participant_ids: others.map(userIdOf), ...(title && { title }) },
      };
  const { conversation_id: id } = await ask(first, 'POST /conversations', body);
  return { id: id as string, first };
}

type Said = { by: string; text: string; replyTo?: string | undefined };

/** Resolves with the id of the message. */
async function say(ask: Ask, conversationId: string, said: Said): Promise<string> {
  const { by, text: content, replyTo } = said;
  const body = { client_msg_id: newId<string>(), content, ...(replyTo && { reply_to: replyTo }) };
  const answer = await ask(by, `POST /conversations/${conversationId}/messages`, body);
  return answer.message_id as string;
}

/** Asks as a named person, and again where the server refuses for a moment. */
function createAsk(door: Door): Ask {
  const tokens = new Map<string, string>();
  return async (by, what, body) => {
    const token = tokens.get(by) ?? (await door.stack.token(userIdOf(by)));
    tokens.set(by, token);
    const [method, path] = what.split(' ') as [string, string];
    for (let tries = 1; ; tries += 1) {
      const answer = await door.rest(method, `/api/v1${path}`, { token, body });
      if (answer.status < 300) return answer.body;
      const { code, retry_after: retryAfterS } = answer.body.error ?? {};
      if (retryAfterS === undefined || tries === TRIES) throw new Error(`${what}: ${code}`);
      await delay(1_000 * retryAfterS);
    }
  };
}
