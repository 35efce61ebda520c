import { newId } from '../../shared/ids.ts';
import type { Client } from './client.ts';
import type { Person, System } from './stack.ts';

type Asked = { client: Client; person: Person; conversation: string; edge?: number };
/** `code` is `none` if the request was served. */
export type Timed = { name: string; code: string; tookMs: number };

/**
 * Sends every kind of request at once. Resolves with the code of each answer, and how long each
 * took.
 */
export function askAll(system: System, asked: Asked): Promise<Timed[]> {
  const { client, person, conversation, edge = 1 } = asked;
  const codeOf = ({ error }: { error?: { code: string } }): string => error?.code ?? 'none';
  const path = `/api/v1/conversations/${conversation}`;
  const call = { token: person.token, edge };
  const body = { client_msg_id: newId<string>(), content: 'by REST' };
  const rest = async (method: string, url: string, more = {}): Promise<string> =>
    codeOf((await system.rest(method, url, { ...call, ...more })).body);
  const answers: [string, Promise<string>][] = [
    ['message', client.post(conversation, 'meanwhile').then(codeOf)],
    ['history', client.ask({ type: 'history', conversation_id: conversation }).then(codeOf)],
    ['read', client.ask({ type: 'read', conversation_id: conversation, seq: 1 }).then(codeOf)],
    ['conversations', client.ask({ type: 'conversations' }).then(codeOf)],
    ['REST send', rest('POST', `${path}/messages`, { body })],
    ['REST history', rest('GET', `${path}/messages`)],
    ['REST conversation', rest('GET', path)],
  ];
  const startedAt = Date.now();
  return Promise.all(
    answers.map(async ([name, answer]) => {
      const code = await answer;
      return { name, code, tookMs: Date.now() - startedAt };
    }),
  );
}
