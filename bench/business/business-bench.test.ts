import { execFile } from 'node:child_process';
import t from 'tap';
import { programArgs } from '../../dev/processes/program.ts';
import { until } from '../../dev/testing/until.ts';
import { newId } from '../../shared/ids.ts';
import { askAsService } from '../../test/stage/business.ts';
import { shareStack } from '../../test/stage/stack.ts';
import { peopleOf } from './business-people.ts';

const SMALL = '--businesses 4 --agents 8 --customers 12 --rate 20 --duration 2 --warmup 0';
const QUICK = '--answer 0.1 --hold 0.5 --connect-rate 200';

const system = await shareStack(t);
const { stackFile, dataDir } = system.places;

type Ended = { status: number | null; output: string };

function begin(line: string, seed: string): { ended: Promise<Ended>; interrupt(): void } {
  const places = ['--stack', stackFile, '--data', dataDir, '--seed', seed];
  const args = [...programArgs('bench/main.ts'), '--business', ...places, ...line.split(' ')];
  let interrupt = (): void => undefined;
  const ended = new Promise<Ended>((resolve) => {
    const child = execFile(process.execPath, args, (_error, stdout, stderr) => {
      resolve({ status: child.exitCode, output: stdout + stderr });
    });
    interrupt = () => void child.kill('SIGINT');
  });
  return { ended, interrupt: () => interrupt() };
}

/** Resolves with how many agents the businesses of a run have. */
async function agentsLeft(seed: string): Promise<number> {
  const { businessIds } = peopleOf({ businesses: 4, agents: 8, customers: 12, seed, edges: 1 });
  const lists = await Promise.all(
    businessIds.map((id) => askAsService(system, `GET /businesses/${id}/agents`)),
  );
  return lists.reduce((sum, { body }) => sum + (body.agents as unknown[]).length, 0);
}

t.test('conversations are assigned, answered and closed, and nothing is left', async (t) => {
  const seed = newId<string>();
  const { status, output } = await begin(`${SMALL} ${QUICK} --beside 20`, seed).ended;
  // A machine that is busy with other tests may leave something to the sweep, and the run tells so.
  const finds = Number(/(\d+) finds in \d+ s/.exec(output)?.[1]);
  t.equal(status, finds === 0 ? 0 : 1, output);
  t.match(output, /20 of 20 ready/);
  t.match(output, / (\d+) opened, \1 assigned, \1 answered, \1 closed/);
  t.match(output, /direct messages beside +40 /);
  t.match(output, finds === 0 ? /PASSED/ : /FAILED: \d+ finds of the sweeps/);
  t.equal(await agentsLeft(seed), 0);
});

t.test('what had to wait is timed apart, and rounds compare direct messages', async (t) => {
  const few = SMALL.replace('rate 20', 'rate 12');
  const line = `${few} ${QUICK} --capacity 1 --beside 10 --rounds 2 --duration 1`;
  const { output } = await begin(line, newId<string>()).ended;
  t.match(output, /a place was freed +\d+ /);
  t.match(output, /Median p99 of direct messages: \d/);
});

t.test('a run that is interrupted leaves no agents', async (t) => {
  const seed = newId<string>();
  const run = begin(`${SMALL.replace('duration 2', 'duration 60')} ${QUICK}`, seed);
  await until('there are agents', async () => (await agentsLeft(seed).catch(() => 0)) === 8);
  run.interrupt();
  t.equal((await run.ended).status, 130);
  t.equal(await agentsLeft(seed), 0);
});

t.test('a run that cannot be carried out says why and ends with status 2', async (t) => {
  const { status, output } = await begin('--businesses 0', newId<string>()).ended;
  t.equal(status, 2);
  t.match(output, /--businesses must be/);
});
