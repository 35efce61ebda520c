import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * Writes the types of the package. TypeScript leaves the specifier `./x.ts` as it is in a
 * declaration, and in an application it leads nowhere, so it becomes `./x.js` here. Only the files
 * that the entries lead to are kept.
 */
export function buildTypes(entries, outdir) {
  const compiled = mkdtempSync(join(tmpdir(), 'kaha-types-'));
  try {
    const tsc = join(
      dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
      'bin/tsc',
    );
    const project = join(import.meta.dirname, 'tsconfig.json');
    execFileSync(process.execPath, [tsc, '-p', project, '--outDir', compiled], {
      stdio: 'inherit',
    });
    const files = entries.map((entry) => `${entry}.d.ts`);
    // The loop reaches what it adds to the list.
    for (const file of files) {
      const text = readFileSync(join(compiled, file), 'utf8').replace(
        /(?<=from '|import\(')(\..*?)\.ts(?=')/g,
        (_, specifier) => {
          const found = join(dirname(file), `${specifier}.d.ts`);
          if (!files.includes(found)) files.push(found);
          return `${specifier}.js`;
        },
      );
      mkdirSync(dirname(join(outdir, file)), { recursive: true });
      writeFileSync(join(outdir, file), text);
    }
  } finally {
    rmSync(compiled, { recursive: true, force: true });
  }
}
