import t, { type Test } from 'tap';
import { until } from '../../../dev/testing/until.ts';
import type {
  JobLease,
  JobStep,
  JobStepAsked,
  JobTask,
} from '../../../shared/contracts/jobs/jobs.ts';
import { KahaError } from '../../../shared/errors.ts';
import { type JobId, newId, type UserId } from '../../../shared/ids.ts';
import type { AskStore } from '../../../shared/nats/rpc-clients.ts';
import { createLogger } from '../../../shared/process/logger.ts';
import { JobRunner } from './job-runner.ts';

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 't' });
const lease: JobLease = { job_id: newId<JobId>(), lease_id: newId<string>() };
const task = (): JobTask => ({ task: 'sign_out', user_id: newId<UserId>() });
const running = (step: number, ...tasks: JobTask[]): JobStep => ({ state: 'running', step, tasks });
const away = () => new KahaError('DATABASE_UNAVAILABLE', 'Postgres is away');

type Answer = JobStep | Error;

/** A runner has one job, whose steps store answers as the test says. */
function rig(t: Test, answers: Answer[], carryOut: (task: JobTask) => Promise<void>) {
  const asked: JobStepAsked[] = [];
  const problems: string[] = [];
  let isClaimed = false;
  const ask = async (op: string, request: unknown): Promise<unknown> => {
    if (op === 'jobs.claim') {
      const jobs = isClaimed ? [] : [lease];
      isClaimed = true;
      return { jobs };
    }
    if (op === 'jobs.problem') return void problems.push((request as { code: string }).code);
    asked.push(request as JobStepAsked);
    const answer = answers.shift() ?? { state: 'done' };
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const store = ask as AskStore;
  const runner = new JobRunner({ store, carryOut, isConnected: () => true, logger });
  t.teardown(() => runner.close());
  runner.poke();
  const ended = (): Promise<unknown> => {
    return until('it has ended', () => asked.length > 0 && runner.size === 0);
  };
  return { runner, asked, problems, ended };
}

t.test('tasks are done in order before store is asked for the next step', async (t) => {
  const done: JobTask[] = [];
  const [one, two, three] = [task(), task(), task()];
  const answers = [running(1, one, two), running(5), running(6, three)];
  const { asked, problems, ended } = rig(t, answers, async (each) => void done.push(each));
  await ended();
  t.same(done, [one, two, three]);
  t.same(
    asked.map(({ carried_out }) => carried_out),
    [undefined, 1, 5, 6],
  );
  t.match(asked[0], lease);
  t.same(problems, []);
});

t.test('what is away for a moment is tried again, and the task is not lost', async (t) => {
  let tries = 0;
  const { asked, problems, ended } = rig(t, [away(), running(1, task())], async () => {
    tries += 1;
    if (tries === 1) throw new KahaError('MESSAGING_UNAVAILABLE', 'NATS is away');
  });
  await ended();
  t.equal(tries, 2);
  t.same(
    asked.map(({ carried_out }) => carried_out),
    [undefined, undefined, 1],
  );
  t.same(problems, []);
});

t.test('a step or a task that goes wrong is noted by its code alone', async (t) => {
  const bug = new Error('a text with the id of a person');
  const first = rig(t, [bug], async () => undefined);
  await first.ended();
  t.same(first.problems, ['INTERNAL']);
  const second = rig(t, [running(1, task())], async () => {
    throw new KahaError('CONFLICT', 'Too much at once');
  });
  await second.ended();
  t.same(second.problems, ['CONFLICT']);
  t.equal(second.asked.length, 1, 'the task does not count as done');
});

t.test('a job that another router has is left to it', async (t) => {
  const { asked, problems, ended } = rig(t, [{ state: 'lost' }], async () => undefined);
  await ended();
  t.equal(asked.length, 1);
  t.same(problems, []);
});

t.test('a runner that closes finishes its task, and begins no other step', async (t) => {
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const { runner, asked } = rig(t, [running(1, task())], () => finished);
  await until('the task has begun', () => asked.length === 1);
  const closing = runner.close();
  finish();
  await closing;
  t.equal(asked.length, 1);
  t.equal(runner.size, 0);
});
