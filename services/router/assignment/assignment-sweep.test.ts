import t, { type Test } from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type { PossibleStep } from '../../../shared/contracts/assignment.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type BusinessId, type ConversationId, newId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { createMetrics } from '../../../shared/process/metrics.ts';
import { createRouterMetrics } from '../router-metrics.ts';
import { AssignmentSweep } from './assignment-sweep.ts';

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });
const possibleStep = (): PossibleStep => ({
  business_id: newId<BusinessId>(),
  conversation_id: newId<ConversationId>(),
  version: 3,
});

type Answer = { swept: number; has_more: boolean; possible: PossibleStep[] };

/** Each sweep is answered with the next of these answers, and `finds` with all that it is asked. */
function stage(t: Pick<Test, 'teardown'>, answers: (Answer | Error)[]) {
  const metrics = createRouterMetrics(createMetrics('router', 'router-1'));
  const asked: PossibleStep[][] = [];
  let pokes = 0;
  const store = (async (op: string, request: { possible: PossibleStep[] }) => {
    if (op === 'assignment.finds') {
      asked.push(request.possible);
      return { finds: request.possible.length };
    }
    const answer = answers.shift() ?? { swept: 0, has_more: false, possible: [] };
    if (answer instanceof Error) throw answer;
    return answer;
  }) as unknown as AskStore;
  const poke = () => {
    pokes += 1;
  };
  const times = { lookMs: 5, leftAfterMs: 5 };
  const sweep = new AssignmentSweep({
    ...{ store, poke, metrics, logger, isConnected: () => true },
    ...times,
  });
  t.teardown(() => sweep.close());
  const finds = async () => (await metrics.sweepFinds.get()).values[0]?.value ?? 0;
  return { asked, finds, pokes: () => pokes, sweep };
}

t.test('what was possible twice is counted, and the driver is poked', async (t) => {
  const [one, other] = [possibleStep(), possibleStep()];
  const { asked, finds, pokes } = stage(t, [
    { swept: 1, has_more: false, possible: [] },
    { swept: 2, has_more: false, possible: [one, other] },
  ]);
  await until('it was looked again', async () => (await finds()) === 2);
  t.same(asked, [[one, other]]);
  t.equal(pokes(), 1);
});

t.test(
  'an answer that says more are left is followed by the next one at once, an error later',
  async (t) => {
    const last = possibleStep();
    const full = { swept: 7, has_more: true, possible: [] };
    const answers = [
      full,
      full,
      new KahaError('TIMEOUT', 'late'),
      { swept: 1, has_more: false, possible: [last] },
    ];
    const { asked } = stage(t, answers);
    await until('all were swept', () => asked.length === 1);
    t.same(asked, [[last]]);
  },
);

t.test('a sweep that is closed looks no more', async (t) => {
  const { asked, sweep } = stage(t, [{ swept: 1, has_more: false, possible: [possibleStep()] }]);
  await sweep.close();
  t.same(asked, []);
});
