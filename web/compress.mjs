import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const COMPRESSED = /\.(?:html|js|css|svg|json)$/;
const GZIP_LEVEL = 9;

/**
 * Writes each file below a folder compressed beside it, as `.br` and `.gz`, unless that saves
 * nothing. The server then compresses nothing itself.
 */
export function writeCompressed(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !COMPRESSED.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    const brotli = brotliCompressSync(bytes);
    const gzip = gzipSync(bytes, { level: GZIP_LEVEL });
    if (brotli.length < bytes.length) writeFileSync(`${path}.br`, brotli);
    if (gzip.length < bytes.length) writeFileSync(`${path}.gz`, gzip);
  }
}
