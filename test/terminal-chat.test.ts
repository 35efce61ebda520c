import t, { type Test } from 'tap';
import { startDesk } from '../dev/chat/desk.ts';
import { startTalk } from '../dev/chat/talk.ts';
import { createTerminalClient, tellConnection } from '../dev/chat/terminal-client.ts';
import { until } from '../dev/testing/until.ts';
import { startCuttingProxy } from './harm/cutting-proxy.ts';
import { askAsService, makeBusiness } from './stage/business.ts';
import { type Person, shareStack } from './stage/stack.ts';

const system = await shareStack(t);

/** A terminal shows lines, and somebody types lines. */
class Terminal {
  readonly lines: string[] = [];
  readonly write = (line: string): void => void this.lines.push(line);

  async shows(what: RegExp): Promise<void> {
    const isShown = () => this.lines.some((line) => what.test(line));
    await until(`the line ${what}`, isShown).catch((cause: Error) => {
      throw new Error(`${cause.message} in\n${this.lines.join('\n')}`, { cause });
    });
  }
}

function clientOf(t: Test, { id: userId, token }: Person, url?: string) {
  const edgeUrl = url ?? (system.stack.urls.edges[0] as string);
  const chat = createTerminalClient({ edgeUrl, getToken: () => token });
  t.teardown(() => chat.disconnect());
  return { chat, userId };
}

async function customerOf(t: Test, person: Person, businessId: string) {
  const terminal = new Terminal();
  const parts = { ...clientOf(t, person), write: terminal.write };
  const line = await startTalk(parts, { kind: 'customer', businessId });
  return { terminal, line };
}

async function agentOf(t: Test, person: Person, businessId: string) {
  const terminal = new Terminal();
  const quit = (): void => terminal.write('(quit)');
  const parts = { ...clientOf(t, person), write: terminal.write, businessId, quit };
  return { terminal, line: await startDesk(parts) };
}

t.test('an agent is given what a customer writes, answers it and closes it', async (t) => {
  const [customer, agent] = await system.people(2);
  const businessId = await makeBusiness(system, { agents: [agent] });
  const desk = await agentOf(t, agent, businessId);
  await desk.terminal.shows(/^You are available/);
  const talk = await customerOf(t, customer, businessId);
  await talk.terminal.shows(/ is online$/);
  const given = desk.line('/wait');
  await talk.line('Is the atlas there?');
  await given;
  await desk.terminal.shows(/#1 .*: Is the atlas there\?$/);
  await desk.line('It is.');
  await talk.terminal.shows(/: It is\.$/);
  await desk.line('/close');
  await desk.terminal.shows(/yours no more, closed/);
  await talk.terminal.shows(/^#\d+ \* /);
  await t.rejects(desk.line('Anything else?'), /No conversation is at hand/);
});

t.test('an agent takes, transfers and releases conversations by their numbers', async (t) => {
  const [customer, agent, other] = await system.people(3);
  const businessId = await makeBusiness(system, { agents: [agent, other] });
  const desk = await agentOf(t, agent, businessId);
  const second = await agentOf(t, other, businessId);
  await desk.line('/away');
  await second.line('/away');
  const talk = await customerOf(t, customer, businessId);
  await talk.terminal.shows(/ is offline$/);
  await talk.line('Hello?');
  await desk.terminal.shows(/^1 .*waiting since .* — Hello\?$/);
  await desk.line('/take 1');
  await desk.terminal.shows(/^1 .*: you have it$/);
  await desk.line(`/transfer ${other.id}`);
  await desk.terminal.shows(/^1 .*: yours no more/);
  await second.terminal.shows(/: you have it$/);
  await second.line('/release');
  await second.terminal.shows(/: yours no more, waiting$/);
  await t.rejects(second.line('/take 9'), /number "9"/);
  await t.rejects(second.line('/tkae 1'), /There is no \/tkae/);
  await second.line('/take');
  await desk.terminal.shows(/: waits no more$/);
  await t.rejects(desk.line('/take'), /^Nobody waits/);
  await t.rejects(desk.line('/assigned'), { code: 'FORBIDDEN' });
});

t.test('who closed a conversation finds it again, and reopens it', async (t) => {
  const [customer, agent] = await system.people(2);
  const businessId = await makeBusiness(system, { agents: [agent] });
  const desk = await agentOf(t, agent, businessId);
  const talk = await customerOf(t, customer, businessId);
  await talk.line('Hello?');
  await desk.line('/wait');
  await desk.line('Hello.');
  await desk.line('/close');
  await desk.line('/away');
  await desk.line('/closed');
  await desk.terminal.shows(/^1 .*: closed/);
  await desk.line('/reopen 1');
  await desk.terminal.shows(/^1 .*: waiting since /);
});

t.test('a customer is told that a business is closed, and reads its away message', async (t) => {
  const [customer, agent] = await system.people(2);
  const businessId = await makeBusiness(system, { agents: [agent] });
  const settings = { time_zone: 'Asia/Kathmandu', hours: {}, away_message: 'We are closed.' };
  await askAsService(system, `PUT /businesses/${businessId}`, settings);
  const talk = await customerOf(t, customer, businessId);
  await talk.terminal.shows(/ is offline$/);
  await talk.line('Hello?');
  await talk.terminal.shows(/^#2 .*: We are closed\.$/);
});

t.test('whoever is no agent of a business is refused its inbox', async (t) => {
  const [stranger, agent] = await system.people(2);
  const businessId = await makeBusiness(system, { agents: [agent] });
  await t.rejects(agentOf(t, stranger, businessId), { code: 'FORBIDDEN' });
});

t.test('people talk to each other without a business', async (t) => {
  const [asha, bikram] = await system.people(2);
  const [one, two] = [new Terminal(), new Terminal()];
  const listening = await startTalk(
    { ...clientOf(t, bikram), write: two.write },
    { kind: 'listen' },
  );
  await listening('Is somebody there?');
  await two.shows(/^Nobody wrote yet/);
  const purpose = { kind: 'with', userIds: [bikram.id] } as const;
  const line = await startTalk({ ...clientOf(t, asha), write: one.write }, purpose);
  await line('Hello');
  await two.shows(/^#1 .*: Hello$/);
  await listening('Hello back');
  await one.shows(/^#2 .*: Hello back$/);
  await one.shows(/^#1 .* \(you\): Hello$/);
  await one.shows(/^You talk with /);
});

t.test('a line that is typed while the connection is lost goes out when it is back', async (t) => {
  const [asha, bikram] = await system.people(2);
  const proxy = await startCuttingProxy(t, [system.edgePort()]);
  const terminal = new Terminal();
  const parts = clientOf(t, asha, proxy.url);
  const refused = tellConnection(parts.chat, terminal.write);
  const purpose = { kind: 'with', userIds: [bikram.id] } as const;
  const line = await startTalk({ ...parts, write: terminal.write }, purpose);
  proxy.setClosed(true);
  await terminal.shows(/^The connection is lost/);
  const sent = line('Still there?');
  proxy.setClosed(false);
  await sent;
  await terminal.shows(/^The connection is back/);
  await terminal.shows(/^#1 .* \(you\): Still there\?$/);
  const ended = t.rejects(refused, /^Closed: 4505/);
  await clientOf(t, asha).chat.connect();
  await ended;
});
