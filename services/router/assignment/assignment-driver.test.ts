import t, { type Test } from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type {
  AssignmentClaim,
  AssignmentLease,
  AssignmentPlan,
  AssignmentRead,
} from '../../../shared/contracts/assignment.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, type ConversationId, newId, type UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { AssignmentDriver } from './assignment-driver.ts';
import type { AutomaticCommand } from './give-out-business.ts';

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const LATER = '2030-01-01T00:00:00.000Z';
const AT_ONCE = '1970-01-01T00:00:00.000Z';

type Done = AssignmentLease & { at: string | null };

/** Plays store. The plans of a business are told until their steps are taken. */
function stage(t: Pick<Test, 'teardown'>) {
  const due: BusinessId[] = [];
  const plans = new Map<BusinessId, AssignmentPlan[]>();
  const log: string[] = [];
  const done: Done[] = [];
  const claims: number[] = [];
  const steps: AutomaticCommand[] = [];
  const script = {
    isConnected: true,
    /** Runs before a step is taken. A step that rejects is not taken. */
    step: async (_command: AutomaticCommand): Promise<void> => undefined,
    read: (read: AssignmentRead): AssignmentRead => read,
    /** Once the plans are carried out, nothing else is possible. */
    isAll: false,
    isDueAgain: () => false,
  };
  let ends = 0;
  const nextEnd = () => {
    ends += 1;
    return new Date(Date.UTC(2030, 0, 1) + ends).toISOString();
  };
  const planned = (id: BusinessId) => ({
    ...{ until: nextEnd(), plans: [...(plans.get(id) ?? [])] },
    ...{ is_all: script.isAll, next_at: LATER },
  });
  const answers = {
    'assignment.claim': ({ limit }: { limit: number }) => {
      claims.push(limit);
      const claimed = due.splice(0, limit).map((business_id): AssignmentClaim => {
        return { business_id, ...planned(business_id) };
      });
      return { claims: claimed };
    },
    'assignment.read': ({ business_id }: AssignmentLease) => {
      log.push('read');
      return script.read(planned(business_id));
    },
    'assignment.done': (request: Done) => {
      done.push(request);
      return { is_due: script.isDueAgain() };
    },
  };
  const store = (async (op: keyof typeof answers, request: never) =>
    answers[op](request)) as unknown as AskStore;
  const change = async (command: AutomaticCommand): Promise<void> => {
    steps.push(command);
    log.push(command.op);
    await script.step(command);
    const id = command.user_id as string as BusinessId;
    const rest = plans.get(id)?.filter((plan) => plan.conversation_id !== command.conversation_id);
    plans.set(id, rest ?? []);
  };
  const driver = new AssignmentDriver({
    store,
    change,
    isConnected: () => script.isConnected,
    logger,
  });
  t.teardown(() => driver.close());
  return { due, plans, log, done, claims, steps, script, driver };
}

const plan = (): AssignmentPlan => ({
  ...{ conversation_id: newId<ConversationId>(), version: 7, agent_id: newId<UserId>() },
  kind: 'assign',
});
const conflict = async (): Promise<never> => {
  throw new KahaError('CONFLICT', 'The conversation has changed');
};

function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

t.test('a business is given out in order, and is read until nothing is left', async (t) => {
  const { due, plans, log, done, steps, driver } = stage(t);
  const id = newId<BusinessId>();
  const [first, second] = [plan(), { ...plan(), kind: 'return', reason: 'offline' } as const];
  plans.set(id, [first, second]);
  due.push(id);
  driver.poke();
  await until('it is done', () => done.length === 1);
  t.same(log, ['conversations.assign_waiting', 'conversations.return', 'read']);
  t.match(steps, [
    { user_id: id, conversation_id: first.conversation_id, version: 7, agent_id: first.agent_id },
    { user_id: id, conversation_id: second.conversation_id, version: 7, reason: 'offline' },
  ]);
  t.match(done, [{ business_id: id, at: LATER }]);
  await until('nothing is leased', () => driver.size === 0);
});

t.test('what was planned whole, and carried out, is not read again', async (t) => {
  const { due, plans, log, done, script, driver } = stage(t);
  const id = newId<BusinessId>();
  plans.set(id, [plan(), plan()]);
  script.isAll = true;
  due.push(id);
  driver.poke();
  await until('it is done', () => done.length === 1);
  t.same(log, ['conversations.assign_waiting', 'conversations.assign_waiting']);
  t.match(done, [{ business_id: id, at: LATER }]);
});

t.test('what was planned whole is read again after a refusal', async (t) => {
  const { due, plans, log, done, steps, script, driver } = stage(t);
  const id = newId<BusinessId>();
  plans.set(id, [plan(), plan()]);
  script.isAll = true;
  script.step = async () => {
    if (steps.length === 2) await conflict();
  };
  due.push(id);
  driver.poke();
  await until('it is done', () => done.length === 1);
  const step = 'conversations.assign_waiting';
  t.same(log, [step, step, 'read', step]);
});

t.test('a plan that is out of date makes the driver read again before the next one', async (t) => {
  const { due, plans, log, done, script, driver } = stage(t);
  const id = newId<BusinessId>();
  plans.set(id, [plan(), plan()]);
  let refusals = 0;
  script.step = async () => {
    refusals += 1;
    if (refusals <= 3) await conflict();
  };
  due.push(id);
  driver.poke();
  await until('it is done', () => done.length === 1);
  const step = 'conversations.assign_waiting';
  t.same(log, [step, 'read', step, 'read', step, 'read', step, step, 'read']);
});

t.test('a business whose plans are always refused is left to its next owner', async (t) => {
  const { due, plans, done, steps, script, driver } = stage(t);
  const id = newId<BusinessId>();
  plans.set(id, [plan()]);
  script.step = conflict;
  script.read = (read) => (steps.length < 8 ? read : { ...read, plans: [] });
  due.push(id);
  driver.poke();
  await until('it is done', () => done.length === 1);
  t.equal(steps.length, 8);
});

t.test('a router that has lost its lease takes no further step, and ends nothing', async (t) => {
  const { due, plans, log, done, steps, script, driver } = stage(t);
  const id = newId<BusinessId>();
  plans.set(id, [plan()]);
  script.read = () => ({ plans: [], is_all: true, next_at: null });
  due.push(id);
  driver.poke();
  await until('it was read', () => log.includes('read'));
  await until('it is left', () => driver.size === 0);
  t.equal(steps.length, 1);
  t.same(done, []);
});

t.test('a store that is away leaves the business to whoever claims it next', async (t) => {
  const { due, plans, done, steps, script, driver } = stage(t);
  const id = newId<BusinessId>();
  plans.set(id, [plan(), plan()]);
  script.step = async () => {
    throw new KahaError('DATABASE_UNAVAILABLE', 'away');
  };
  due.push(id);
  driver.poke();
  await until('it is left', () => steps.length === 1 && driver.size === 0);
  t.same(done, []);
  script.step = async () => undefined;
  due.push(id);
  await until('the next claim gives it out', () => done.length === 1);
  t.equal(steps.length, 3);
});

t.test('a step that fails by a fault is not tried again before the lease ends', async (t) => {
  const { due, plans, log, done, steps, script, driver } = stage(t);
  const id = newId<BusinessId>();
  plans.set(id, [plan(), plan()]);
  script.step = async () => {
    throw new KahaError('INTERNAL', 'broken');
  };
  due.push(id);
  driver.poke();
  await until('it is left', () => steps.length === 1 && driver.size === 0);
  t.same(done, []);
  t.notOk(log.includes('read'));
});

t.test('a step meanwhile makes the business due, and it is claimed at once', async (t) => {
  const { due, done, script, driver } = stage(t);
  const id = newId<BusinessId>();
  script.isDueAgain = () => {
    if (done.length === 1) due.push(id);
    return done.length === 1;
  };
  due.push(id);
  driver.poke();
  await until('it is done twice', () => done.length === 2, 300);
});

t.test('a router has 8 businesses at a time, and claims another when one is done', async (t) => {
  const { due, plans, done, claims, script, driver } = stage(t);
  const { open, opened } = gate();
  const ids = Array.from({ length: 20 }, () => newId<BusinessId>());
  for (const id of ids) plans.set(id, [plan()]);
  script.step = ({ user_id }) => ((user_id as string) === ids[0] ? Promise.resolve() : opened);
  due.push(...ids);
  driver.poke();
  await until('the first is done', () => done.length === 1);
  await until('another is claimed', () => due.length === 11);
  t.equal(driver.size, 8);
  t.same(claims, [8, 1]);
  open();
  await until('all are done', () => done.length === 20);
});

t.test('a router that closes ends its step, and leaves the rest due at once', async (t) => {
  const { due, plans, done, claims, steps, script, driver } = stage(t);
  const { open, opened } = gate();
  const id = newId<BusinessId>();
  plans.set(id, [plan(), plan()]);
  script.step = () => opened;
  due.push(id);
  driver.poke();
  await until('a step is under way', () => steps.length === 1);
  const closed = driver.close();
  driver.poke();
  open();
  await closed;
  t.equal(steps.length, 1);
  t.match(done, [{ business_id: id, at: AT_ONCE }]);
  t.equal(claims.filter((_, index) => index > 1).length, 0);
  t.equal(driver.size, 0);
});

t.test('a router without NATS claims nothing until it is back', async (t) => {
  const { due, done, claims, script, driver } = stage(t);
  script.isConnected = false;
  due.push(newId<BusinessId>());
  driver.poke();
  t.same(claims, []);
  script.isConnected = true;
  await until('the next poll claims it', () => done.length === 1);
});
