import t from 'tap';
import { SERVICE_NAMES, SERVICES } from '../dev/stack/services.ts';
import { until } from '../dev/testing/until.ts';
import { askAll, type Timed } from './stage/ask-all.ts';
import { numbers, seqsOf } from './stage/numbers.ts';
import { setStack } from './stage/stack.ts';

/**
 * The only process of a kind is gone. Requests that need it are refused at once, and all others are
 * served.
 */
const system = await setStack(t, { edges: 1, routers: 1, stores: 1, areServersOwn: true });
const REFUSED_MS_MAX = 2_000;
const SERVED_MS_MAX = 4_000;
const NOTICED_MS = 4_000;
const TYPED = /^(DATABASE_UNAVAILABLE|MESSAGING_UNAVAILABLE|TIMEOUT)$/;
/** The kaha-main-v3 stand-in knows the name of this user. */
const ASHA = '11111111-0000-4000-8000-000000000001';

async function scene() {
  const [ann, bob] = await system.people(2);
  const conversation = await system.conversation([ann, bob]);
  const [a, b] = [await system.connectNew(ann), await system.connectNew(bob)];
  await a.post(conversation, 'before');
  await b.messages(1);
  const ask = () => askAll(system, { client: a, person: ann, conversation });
  return { ann, bob, conversation, a, b, ask };
}

/** Requests that are on their way while the process dies may wait for it. Later ones may not. */
const isNoticed = (answers: Timed[]): boolean => answers.some(({ code }) => TYPED.test(code));

/** Requests that match are served without the process. */
const SERVED_WITHOUT: Record<string, RegExp> = {
  'router-1': /history|conversation/,
  'store-1': /never/,
  postgres: /never/,
  nats: /never/,
};

for (const [name, served] of Object.entries(SERVED_WITHOUT)) {
  t.test(`while ${name} is dead, every request gets a typed refusal within 2 s`, async (t) => {
    const { bob, conversation, a, b, ask } = await scene();
    system.signal(name, 'SIGKILL');
    await until('the outage is noticed', async () => isNoticed(await ask()), NOTICED_MS);
    for (const { name: what, code, tookMs } of await ask()) {
      t.match(code, served.test(what) ? 'none' : TYPED, `${what}: ${code}`);
      t.ok(tookMs <= REFUSED_MS_MAX, `${what}: ${tookMs} ms`);
    }
    await a.settled();
    t.ok(b.isOpen);
    await system.stack.start(name);
    await until('it goes on', async () => (await a.post(conversation, 'after')).type === 'reply');
    await b.next(({ content }) => content === 'after');
    const history = await system.history(bob, conversation);
    t.same(seqsOf(history), numbers(1, history.length), 'the history has no gap');
  });
}

const OPTIONAL = [
  ...['redis', 'kaha'],
  // Requests need the services of which the options give the number, and no others.
  ...SERVICE_NAMES.filter((service) => SERVICES[service].instances === 'one'),
];
for (const name of OPTIONAL) {
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    const fate = signal === 'SIGKILL' ? 'dead' : 'frozen';
    t.test(`while ${name} is ${fate}, every request is served`, async (t) => {
      const { ann, conversation, a, b, ask } = await scene();
      system.signal(name, signal);
      for (const round of [1, 2]) {
        for (const { name: what, code, tookMs } of await ask()) {
          t.equal(code, 'none', `${what} ${round}`);
          t.ok(tookMs <= SERVED_MS_MAX, `${what} ${round}: ${tookMs} ms`);
        }
      }
      const startedAt = Date.now();
      await a.post(conversation, 'meanwhile again');
      await b.next(({ content }) => content === 'meanwhile again');
      t.ok(Date.now() - startedAt < 1_000, `sent and there in ${Date.now() - startedAt} ms`);
      const made = await system.rest('POST', '/api/v1/conversations', {
        token: ann.token,
        body: { type: 'direct', participant_ids: [ASHA] },
      });
      t.match(made, { status: 201, body: { name: /^(Asha|Unknown User)$/ } });
      if (signal === 'SIGSTOP') system.signal(name, 'SIGCONT');
      else await system.stack.start(name);
      const path = `/api/v1/conversations/${made.body.conversation_id}`;
      await until('the name is back', async () => {
        const { body } = await system.rest('GET', path, { token: ann.token });
        return body.name === 'Asha';
      });
    });
  }
}

t.test('no log holds a person, a conversation or a token', async (t) => {
  t.same(system.leaks(), []);
});
