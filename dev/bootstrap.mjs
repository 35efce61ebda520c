// This plain Node script installs dependencies if they are missing or old, and then runs a
// TypeScript entry:
//   node dev/bootstrap.mjs dev/up-main.ts [arguments]
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';

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
// A Ctrl-C in a terminal reaches the child by itself as well, so the child must bear a signal
// twice.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => child.kill(signal));
}
// npm does not pass on every end. Its shell may die of a signal, and kill -9 leaves the shell
// alive.
if (process.env.npm_lifecycle_event !== undefined) {
  const started = ancestors();
  setInterval(() => {
    if (ancestors() !== started) child.kill('SIGTERM');
  }, 500).unref();
}
child.on('exit', (code, signal) => process.exit(signal ? 1 : code));

/**
 * Returns the pids of npm's shell and of npm, or of npm alone if its shell has become this process.
 */
function ancestors() {
  const parent = process.ppid;
  try {
    if (!readFileSync(`/proc/${parent}/cmdline`, 'utf8').includes('\0-c\0')) return `${parent}`;
    const stat = readFileSync(`/proc/${parent}/stat`, 'utf8');
    return `${parent} ${stat.slice(stat.lastIndexOf(')')).split(' ')[2]}`;
  } catch {
    return `${parent}`;
  }
}
