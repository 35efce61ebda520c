import t from 'tap';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { createBusinessCommands, reportPresence } from './business-commands.ts';

const context = { deadlineAt: 0, trace: undefined };
const [business_id, user_id] = [newId<BusinessId>(), newId<UserId>()];
const of = { asker: 'service', business_id } as const;
const status = { business_id, user_id, status: 'away' } as const;

/** Makes commands whose store answers so, and lists what it is asked and what edges are told. */
function setCommands(answer: () => unknown) {
  const log: unknown[] = [];
  const store = (async (op: string, request: unknown) => {
    log.push([op, request]);
    return answer();
  }) as unknown as AskStore;
  const tell = (id: BusinessId, { kind }: { kind: string }) => void log.push([kind, id]);
  const steps = { tellDue: () => void log.push('due') };
  const removal = async ({ op, ...request }: { op: string }) => {
    return (await store(op as 'businesses.remove_agent', request as never)) as never;
  };
  const agentChanges = { 'businesses.set_agents': removal, 'businesses.remove_agent': removal };
  const deps = { store, agentChanges, signals: { tell }, steps };
  return { log, deps, commands: createBusinessCommands(deps) };
}

t.test('edges are told what has changed once store has committed it', async (t) => {
  const { log, commands } = setCommands(() => 'done');
  const set = commands['businesses.set_status'](
    { op: 'businesses.set_status', ...status },
    context,
  );
  t.equal(await set, 'done');
  const removal = { ...of, user_id };
  await commands['businesses.remove_agent']({ op: 'businesses.remove_agent', ...removal }, context);
  t.same(log, [
    ['businesses.set_status', status],
    ['availability', business_id],
    'due',
    ['businesses.remove_agent', removal],
    ['agents', business_id],
    'due',
  ]);
});

t.test('edges are told nothing of what store refuses', async (t) => {
  const { log, commands, deps } = setCommands(() => {
    throw new KahaError('FORBIDDEN', 'no');
  });
  const refused = { code: 'FORBIDDEN' };
  const { 'businesses.set_status': setStatus, 'businesses.set_agents': setAgents } = commands;
  await t.rejects(setStatus({ op: 'businesses.set_status', ...status }, context), refused);
  await t.rejects(setAgents({ op: 'businesses.set_agents', ...of, agents: [] }, context), refused);
  await t.rejects(reportPresence(deps, { changes: [] }, context), refused);
  t.equal(log.length, 3, 'store was asked, and nobody was told');
});

t.test('a report of presence is told for each business that store names', async (t) => {
  const business_ids = [business_id, newId<BusinessId>()];
  const { log, deps } = setCommands(() => ({ business_ids }));
  await reportPresence(deps, { changes: [{ user_id, is_online: true }] }, context);
  t.same(log.slice(1), ['due', ...business_ids.map((id) => ['availability', id])]);
});
