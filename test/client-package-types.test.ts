import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { publint } from 'publint';
import t from 'tap';
import { installClient } from './stage/installed-client.ts';

const { project, dir, tarball } = await installClient(t, 'undici', 'undici-types', '@types/node');
writeFileSync(join(project, 'package.json'), '{"type":"module"}');

/** Runs a tool of ours in the project. Resolves with what it says, and whether it was content. */
function runTool(tool: string, ...args: string[]): Promise<{ passed: boolean; output: string }> {
  const path = resolve('node_modules', tool);
  return new Promise((done) => {
    execFile(process.execPath, [path, ...args], { cwd: project }, (error, stdout, stderr) => {
      done({ passed: error === null, output: `${stdout}${stderr}` });
    });
  });
}

/** Checks the types of the project's files, and of all that the package declares. */
function typeCheck(resolution: string, options: object, ...files: string[]) {
  const compilerOptions = {
    ...{ strict: true, noEmit: true, target: 'es2022', types: [], lib: ['es2022', 'dom'] },
    module: resolution === 'bundler' ? 'esnext' : resolution,
    moduleResolution: resolution,
    ...options,
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  return runTool('typescript/bin/tsc', '-p', '.');
}

t.test('publint and attw have nothing to say about the package', async (t) => {
  const { messages } = await publint({ pkgDir: dir, pack: false, strict: true });
  t.same(messages, []);
  const cli = '@arethetypeswrong/cli/dist/index.js';
  const { passed, output } = await runTool(cli, tarball, '--profile', 'esm-only', '--no-emoji');
  t.ok(passed, output);
});

const APPLICATION = `
import { ChatClient, type ChatEvents, type Message, memoryStorage } from '@kaha/chat-client';
import { Businesses } from '@kaha/chat-client/business';
import { Devices } from '@kaha/chat-client/devices';
import { useMessages } from '@kaha/chat-client/react';
import { ChatStore } from '@kaha/chat-client/store';

const chat = new ChatClient({ url: '/', getToken: () => 'token', storage: memoryStorage() });
const onMessage = ({ isLate, seq }: ChatEvents['message']): boolean => isLate && seq > 1;
chat.on('message', onMessage);
const { acknowledged } = chat.send({ conversation_id: '', content: '' });
export const seq: Promise<number> = acknowledged.then(({ seq }) => seq);
const { messages } = await chat.history({ conversation_id: '' });
export const page: readonly Message[] = messages;
export const shown: number = useMessages(new ChatStore(chat), '').messages.length;
const { counts } = new Businesses(chat).inbox('', 'waiting').value;
const [device] = await new Devices(chat).list();
export const name: string | undefined = device?.device_id;
export const waiting: number | undefined = counts?.waiting;
// @ts-expect-error The package has types, and none of them is any.
chat.on('message', (event: { seq: string }) => event.seq.length);
`;

for (const resolution of ['nodenext', 'bundler']) {
  t.test(`an application has the types with ${resolution}, with a DOM and without`, async (t) => {
    writeFileSync(join(project, 'application.ts'), APPLICATION);
    for (const lib of [['es2022'], ['es2022', 'dom']]) {
      const checked = await typeCheck(resolution, { lib }, 'application.ts');
      t.ok(checked.passed, `${lib}: ${checked.output}`);
    }
  });
}

/** The samples of the README use these names, and say what they are in words or before. */
const NAMES = {
  bob: 'string',
  businessId: 'string',
  chat: "import('@kaha/chat-client').ChatClient",
  getToken: '() => Promise<string>',
  show: '(...what: unknown[]) => void',
  url: 'string',
};

t.test('the samples of the README have the types of the package', async (t) => {
  const readme = readFileSync(join(dir, 'README.md'), 'utf8');
  const samples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, sample = '']) => sample);
  t.ok(samples.length > 3);
  const files = samples.map((sample, index) => {
    const unknown = Object.entries(NAMES).filter(([name]) => !sample.includes(`const ${name} `));
    const declared = unknown.map(([name, type]) => `declare const ${name}: ${type};\n`);
    writeFileSync(join(project, `sample-${index}.ts`), `${sample}${declared.join('')}export {};`);
    return `sample-${index}.ts`;
  });
  const options = { types: ['node'], skipLibCheck: true };
  const { passed, output } = await typeCheck('nodenext', options, ...files);
  t.ok(passed, output);
});
