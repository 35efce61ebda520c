import t from 'tap';
import { newId } from '../../shared/ids.ts';
import { type LoggedStep, StepLog } from './step-log.ts';

const [ann, bob, customer, first, second] = ['ann', 'bob', 'customer', 'first', 'second'];
const customers = new Map([
  [first, customer],
  [second, newId<string>()],
]);

type Some = Partial<LoggedStep> & { step: LoggedStep['step'] };

/** Each step of the log happens a second after the one before, unless it says else. */
function logOf(...steps: Some[]): LoggedStep[] {
  return steps.map((step, index) => ({
    ...{ business_id: 'b', version: index + 1, conversation_id: first, reason: 'manual' },
    at: new Date(1_000 * (index + 1)),
    ...{ agent_id: null, from_agent_id: null, waiting_since: null, open: 1, capacity: 1 },
    ...step,
  }));
}

const faultsOf = (steps: Some[], wasGone?: (agent: string, atMs: number) => boolean): string[] =>
  new StepLog(logOf(...steps), { customers, ...(wasGone && { wasGone }) }).faults;

const added = (conversation_id = first): Some => ({ step: 'added', conversation_id });
const given = (agent_id: string, more: Partial<LoggedStep> = {}): Some => {
  return { step: 'assigned', reason: 'auto', agent_id, ...more };
};

t.test('a log of steps that may follow each other is in order', async (t) => {
  const log = logOf(
    added(),
    given(ann),
    added(second),
    given(bob, { reason: 'transfer', from_agent_id: ann }),
    given(ann, { conversation_id: second }),
    { step: 'released', from_agent_id: bob },
    { step: 'closed' },
    added(),
    given(bob),
    { step: 'closed', from_agent_id: bob },
  );
  const played = new StepLog(log, { customers });
  t.same(played.faults, []);
  t.same(played.stateOf(first), { state: 'closed', holder: null });
  t.same(played.stateOf(second), { state: 'assigned', holder: ann });
});

t.test('steps that may not follow each other are found', async (t) => {
  const wrong: Record<string, Some[]> = {
    'was closed before': [given(ann)],
    'was assigned before': [added(), given(ann), given(bob)],
    'was of ann': [added(), given(ann), { step: 'released', from_agent_id: bob }],
    'was waiting before': [added(), added()],
    'the agent is the customer': [added(), given(customer)],
    'names no agent': [added(), { step: 'assigned' }],
    'comes after version 1': [added(), given(ann, { version: 1 })],
  };
  for (const [what, steps] of Object.entries(wrong)) {
    const [fault] = faultsOf(steps);
    t.ok(fault?.endsWith(what), `${what}: ${fault}`);
  }
});

t.test('an assignment beyond the limit is found, unless it is forced', async (t) => {
  const twice = (more: Partial<LoggedStep>): Some[] => [
    ...[added(), added(second), given(ann)],
    given(ann, { conversation_id: second, open: 2, ...more }),
  ];
  t.match(faultsOf(twice({})), [/2 of 1$/]);
  t.same(faultsOf(twice({ capacity: 2 })), []);
  t.same(faultsOf(twice({ reason: 'forced' })), []);
  t.match(faultsOf(twice({ open: 1 })), [/counted 1 of 2$/]);
  t.match(faultsOf(twice({ open: null })), [/no count$/]);
});

t.test('an automatic assignment past an older conversation is found', async (t) => {
  const past = (more: Partial<LoggedStep> = {}): Some[] => [
    ...[added(), added(second)],
    given(ann, { conversation_id: second, ...more }),
  ];
  t.match(faultsOf(past()), [/passed over first$/]);
  t.same(faultsOf(past({ reason: 'manual' })), []);
  t.same(faultsOf(past({ agent_id: customer })), [], 'the older one is their own');
  const old = [added(), given(ann), { step: 'released', from_agent_id: ann } as const];
  const since = { waiting_since: new Date(500) };
  const back = [...old.slice(0, 2), added(second), { ...old[2], ...since } as Some];
  t.match(faultsOf([...back, given(bob, { conversation_id: second })]), [/passed over first$/]);
});

t.test(
  'a reopened conversation may be passed over while its last agent is available',
  async (t) => {
    const reopened: Some[] = [
      ...[added(), given(ann), { step: 'closed', from_agent_id: ann } as const],
      ...[added(), added(second)],
    ];
    const toBob = [...reopened, given(bob, { conversation_id: second })];
    t.same(faultsOf(toBob), []);
    t.match(
      faultsOf(toBob, (agent, atMs) => agent === ann && atMs > 5_000),
      [/passed over first$/],
    );
    const toAnn = [...reopened, given(ann, { conversation_id: second })];
    t.match(faultsOf(toAnn), [/passed over first$/]);
  },
);

t.test('an automatic assignment to an agent who was not there is found', async (t) => {
  const wasGone = (agent: string): boolean => agent === ann;
  t.match(faultsOf([added(), given(ann)], wasGone), [/ann was not available$/]);
  t.same(faultsOf([added(), given(ann, { reason: 'manual' })], wasGone), []);
  t.same(faultsOf([added(), given(bob)], wasGone), []);
});
