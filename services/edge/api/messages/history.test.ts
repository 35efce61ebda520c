import t from 'tap';
import { type ConversationId, newId } from '../../../../shared/ids.ts';
import type { HandlerParts } from '../operation.ts';
import { listHistory } from './history.ts';

type Handle = typeof listHistory.handle;

async function askedSince(since: string): Promise<string | undefined> {
  let asked: string | undefined;
  const parts = {
    store: async (_op: string, request: { since?: string }) => {
      asked = request.since;
      return { messages: [] };
    },
    nameSystemMessages: () => undefined,
  } as unknown as HandlerParts;
  const request = { conversation_id: newId<ConversationId>(), since };
  await listHistory.handle(request, {} as Parameters<Handle>[1], parts);
  return asked;
}

t.test('a since that is finer than a millisecond asks for nothing that is older', async (t) => {
  const asked: Record<string, string> = {
    '2026-11-20T09:00:00.123001Z': '2026-11-20T09:00:00.124Z',
    '2026-11-20T09:00:00.1239Z': '2026-11-20T09:00:00.124Z',
    '2026-11-20T09:00:59.999999Z': '2026-11-20T09:01:00.000Z',
    '2026-11-20T09:00:00.123000Z': '2026-11-20T09:00:00.123Z',
    '2026-11-20T09:00:00.1Z': '2026-11-20T09:00:00.100Z',
    '2026-11-20T09:00:00Z': '2026-11-20T09:00:00.000Z',
  };
  for (const [since, first] of Object.entries(asked)) t.equal(await askedSince(since), first);
});
