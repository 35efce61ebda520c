import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Secrets are made once per data folder, because what was encrypted with them must stay readable.
 */
export type Secrets = {
  contentKeys: string;
  serviceToken: string;
  logHashKey: string;
  /** The Postgres that a Docker engine runs has this password. */
  postgresPassword: string;
};

export function readSecrets(dataDir: string): Secrets {
  const path = join(dataDir, 'secrets.json');
  if (!existsSync(path)) {
    mkdirSync(dataDir, { recursive: true });
    const secrets: Secrets = {
      contentKeys: `k1:${randomBytes(32).toString('base64')}`,
      serviceToken: randomBytes(24).toString('base64url'),
      logHashKey: randomBytes(24).toString('base64url'),
      postgresPassword: randomBytes(18).toString('base64url'),
    };
    writeFileSync(path, JSON.stringify(secrets), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(path, 'utf8'));
}
