import t from 'tap';
import { ChatError } from '../../../clients/js/src/index.ts';
import { conflictOf, sayConflict } from './conflicts.ts';

const NAMES = { agent: 'Jaya', nameOf: (id: string) => (id === 'kiran' ? 'Kiran' : 'Somebody') };

function said(details: unknown, names = NAMES): string | undefined {
  const conflict = conflictOf(new ChatError('CONFLICT', 'no', { details }));
  return conflict && sayConflict(conflict, names);
}

t.test('a conflict says who has too many, who was faster, or what happened', async (t) => {
  t.equal(said({ capacity: 2, open: 2 }), 'Jaya has 2 of 2 conversations already.');
  t.equal(
    said({ capacity: 2, open: 3 }, { ...NAMES, agent: 'you' }),
    'You have 3 of 2 conversations already.',
  );
  t.match(said({ assignee_id: 'kiran' }), /^Kiran was faster/);
  t.match(said({ state: 'closed' }), /closed meanwhile/);
  t.match(said({ state: 'waiting' }), /is waiting now/);
});

t.test('what is no conflict of a step has no words here', async (t) => {
  t.equal(said(undefined), undefined);
  t.equal(said({}), undefined);
  t.equal(said('full'), undefined);
  t.equal(
    conflictOf(new ChatError('FORBIDDEN', 'no', { details: { state: 'closed' } })),
    undefined,
  );
});
