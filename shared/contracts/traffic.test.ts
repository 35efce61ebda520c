import t from 'tap';
import { type BusinessId, newId, type UserId } from '../ids.ts';
import { streams, subjects } from './subjects.ts';
import { pulledStreams, subjectsOf, TRAFFIC } from './traffic.ts';

const USER = newId<UserId>();
const DEVICE = 'phone';

/** These are subjects as services build them, one for each name. */
const BUILT: Record<keyof typeof subjects, string> = {
  ...subjects,
  router: subjects.router('router-1'),
  store: subjects.store('messages.append'),
  profiles: subjects.profiles('get'),
  queue: subjects.queue(USER, DEVICE, 64),
  deliver: subjects.deliver(USER, DEVICE),
  device: subjects.device(USER, DEVICE),
  answers: `${subjects.answers('router-1')}.7`,
  user: subjects.user(USER),
  presence: subjects.presence(USER),
  business: subjects.business(newId<BusinessId>()),
  receipts: subjects.receipts('router-1'),
  events: subjects.events('router-1'),
  bookmarks: subjects.bookmarks('push'),
  erasures: subjects.erasures,
};

function matches(pattern: string, subject: string): boolean {
  const tokens = subject.split('.');
  const wanted = pattern.split('.');
  if (wanted.at(-1) === '>') tokens.length = Math.min(tokens.length, wanted.length);
  if (tokens.length !== wanted.length) return false;
  return wanted.every((token, index) => ['*', '>', tokens[index]].includes(token));
}

t.test('each subject that services build stands in the table', async (t) => {
  for (const [name, subject] of Object.entries(BUILT)) {
    t.ok(
      TRAFFIC.some((row) => matches(row.subject, subject)),
      `${name}: ${subject}`,
    );
  }
});

t.test('each subject has a publisher and a subscriber', async (t) => {
  for (const { subject, publish, subscribe } of TRAFFIC) {
    t.ok(publish.length > 0 && subscribe.length > 0, subject);
  }
  const all = TRAFFIC.map(({ subject }) => subject);
  t.same(all, [...new Set(all)], 'a subject has one row');
});

t.test('each request comes to the service that answers it', async (t) => {
  for (const { subject, requestsAs } of TRAFFIC) {
    if (requestsAs !== undefined) t.ok(matches(requestsAs, subject), subject);
    t.equal(requestsAs !== undefined, subject.startsWith('rpc.'), subject);
  }
});

t.test('streams keep the subjects that the table says', async (t) => {
  t.same(subjectsOf(streams.receipts), ['receipts.*']);
  t.same(subjectsOf(streams.kahaEvents), ['kaha.>']);
  t.same(subjectsOf(streams.events), ['events.*']);
  t.same(pulledStreams(), [
    { stream: 'RECEIPTS', pulledBy: 'store' },
    { stream: 'EVENTS', pulledBy: 'feed' },
    { stream: 'EVENTS', pulledBy: 'push' },
    { stream: 'KAHA_EVENTS', pulledBy: 'profiles' },
  ]);
  const [events] = subjectsOf(streams.queue('*'));
  t.ok(matches(events as string, streams.queueSubjects(3)));
});
