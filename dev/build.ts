import { spawnSync } from 'node:child_process';

/** Compiles services and shared to `dist/`; incremental: cheap when nothing changed. */
export function build(): void {
  const args = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'];
  const result = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`the build failed:\n${result.stdout}${result.stderr}`);
}
