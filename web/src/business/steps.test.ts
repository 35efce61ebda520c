import t from 'tap';
import { stepsOf } from './steps.ts';

const AGENT = { userId: 'jaya', role: 'agent' } as const;
const MANAGER = { userId: 'ishwor', role: 'manager' } as const;

t.test('an agent takes what waits, and hands on or ends what they have', async (t) => {
  t.same(stepsOf({ state: 'waiting' }, AGENT), ['take']);
  t.same(stepsOf({ state: 'assigned', assignee_id: 'jaya' }, AGENT), [
    ...['transfer', 'release', 'close'],
  ]);
  t.same(stepsOf({ state: 'closed' }, AGENT), ['reopen']);
});

t.test('an agent does nothing with the conversation of another one', async (t) => {
  t.same(stepsOf({ state: 'assigned', assignee_id: 'kiran' }, AGENT), []);
});

t.test('a manager gives out, takes over and closes any', async (t) => {
  t.same(stepsOf({ state: 'waiting' }, MANAGER), ['take', 'assign', 'close']);
  t.same(stepsOf({ state: 'assigned', assignee_id: 'kiran' }, MANAGER), [
    ...['take', 'transfer', 'release', 'close'],
  ]);
});
