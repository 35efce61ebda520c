import t from 'tap';
import { hasVerb } from './verbs.ts';

t.test('a sentence with a finite verb is recognised', async (t) => {
  const sentences = [
    'the queue is full',
    'The router asks store',
    'Two devices take turns',
    'The edge sent `auth_ok`',
    'The call failed on its way',
    'these users get the event',
    'This ends the run',
    'Sends what is there',
  ];
  for (const sentence of sentences) t.ok(hasVerb(sentence), sentence);
});

t.test('a phrase without a verb is recognised', async (t) => {
  const phrases = [
    'its name',
    'refused',
    'Everything below it',
    'Known by id, oldest first',
    'The names of the queues',
    'The read of a queue',
    'A name as `it is`',
    '',
  ];
  for (const phrase of phrases) t.notOk(hasVerb(phrase), phrase);
});
