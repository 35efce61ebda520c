import t from 'tap';
import type { BusinessSignal } from '../../../shared/contracts/business-signals.ts';
import type { InboxChange } from '../../../shared/contracts/inbox.ts';
import { type BusinessId, newId, type UserId } from '../../../shared/ids.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import { StepReports } from './step-reports.ts';

function setStage() {
  const metrics = createMetrics('router', 'router-1');
  const told: BusinessSignal[] = [];
  const signals = { tell: (_id: BusinessId, signal: BusinessSignal) => void told.push(signal) };
  const steps = new StepReports(createRouterMetrics(metrics), signals);
  const stage = { steps, told, due: 0 };
  steps.onDue(() => {
    stage.due += 1;
  });
  return stage;
}

function changeOf(rest: Partial<InboxChange>): InboxChange {
  const customer_id = newId<UserId>();
  const conversation_id = newId<InboxChange['conversation_id']>();
  const record = { conversation_id } as InboxChange['record'];
  return {
    business_id: newId<BusinessId>(),
    version: 1,
    change: 'assigned',
    conversation_id,
    before: { state: 'waiting', customer_id },
    after: { state: 'assigned', customer_id, assignee_id: newId<UserId>() },
    record,
    is_due: false,
    reason: 'auto',
    ...rest,
  };
}

t.test('edges hear of each step, and nothing of its reason', async (t) => {
  const { steps, told } = setStage();
  const changes = [changeOf({ waited_ms: 2_000 }), changeOf({ change: 'released', version: 2 })];
  steps.tell(changes);
  t.same(
    told,
    changes.map(({ is_due: _d, reason: _r, waited_ms: _w, ...step }) => ({
      kind: 'step',
      ...step,
    })),
  );
  steps.tell();
  t.equal(told.length, 2);
});

t.test('the assignment is poked if a step has made something possible', async (t) => {
  const stage = setStage();
  stage.steps.tell([changeOf({})]);
  t.equal(stage.due, 0);
  stage.steps.tell([changeOf({}), changeOf({ is_due: true })]);
  t.equal(stage.due, 1);
  stage.steps.tellDue();
  t.equal(stage.due, 2);
});
