// Plain Node: installs dependencies if they are missing or old, then runs a TypeScript entry.
//   node dev/bootstrap.mjs dev/up-main.ts [arguments]
import { spawn, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 18)) {
  process.stderr.write(`Node 20.18 or newer is needed, this is ${process.versions.node}.\n`);
  process.exit(1);
}

const changedAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json')) {
  process.stderr.write('Installing dependencies …\n');
  const install = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], {
    encoding: 'utf8',
  });
  if (install.status !== 0) {
    process.stderr.write(`npm ci failed:\n${install.stdout}${install.stderr}\n`);
    process.exit(1);
  }
}

const child = spawn(process.execPath, ['--import=tsx', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// A Ctrl-C in a terminal reaches the child by itself as well: it must bear a signal twice.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => child.kill(signal));
}
// npm runs us in a shell, which does not pass a signal on but dies of it.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) child.kill('SIGTERM');
}, 500).unref();
child.on('exit', (code, signal) => process.exit(signal ? 1 : code));
