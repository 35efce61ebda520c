import t from 'tap';
import { findFragments } from './comment-rules.ts';
import { sourcesOf } from './read-tree.ts';

const found = (text: string) => sourcesOf([{ path: 'shared/a.ts', text }]).flatMap(findFragments);

t.test('a doc comment that opens without a subject or a verb is found', async (t) => {
  const openings = [
    'Who is there, for one worker.',
    'What was wrong with the command line.',
    'How long to wait.',
    'Of this session: the highest number.',
    'Up to here a close code says: come back.',
    'As the store writes them.',
    'If it is there.',
    'When it was first tried, or lost. The store, too, waits.',
    'At once, where that can be.',
    'It leaves on purpose.',
    'Those whose program is nowhere.',
    'With content and key.',
    'Undefined where there was none.',
    'Beyond it, refused.',
    'Where there is one, its name.',
    'Known by id, oldest first.',
    'Kept, like the others, for later.',
    'Everything below it.',
    'The name of the queue.',
    'In order, oldest first.',
  ];
  for (const opening of openings) t.equal(found(`/** ${opening} */\na();`).length, 1, opening);
});

t.test('a comment of several lines is reported by file, line and first sentence', async (t) => {
  const text = 'a();\n\n/**\n * Where the run stands\n * in one line.\n */\nb();';
  t.same(found(text), ['shared/a.ts:3: Where the run stands in one line.']);
});

t.test('a doc comment with a subject or the verb of a function is accepted', async (t) => {
  const openings = [
    'The router asks the store.',
    'A session that refuses an offer hands it to its queue.',
    'Sends what is there, as it came.',
    'Ifs are not conjunctions.',
    '`what` is a parameter.',
    '≤ 500 users fit.',
    'Known users are told.',
    'Two routers take turns.',
    'Beyond it, the router refuses the event.',
    'While NATS is away, the router keeps the events.',
    'For each user, the map holds what they may know.',
    'At most this many texts get a name.',
  ];
  for (const opening of openings) t.same(found(`/** ${opening} */\na();`), [], opening);
});

t.test('only doc comments count, and only their opening', async (t) => {
  t.same(found("// What follows is code.\na('/** What is a string */');"), []);
  t.same(found('/** A queue is there. What it holds is owed. */\n/* Who */ /**/ what();'), []);
});
