import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeVapidPair } from '../push/push-keys.ts';

/**
 * Secrets are made once per data folder, because what was encrypted with them must stay readable. A
 * folder of an earlier version gets those that it lacks.
 */
export type Secrets = {
  contentKeys: string;
  /** kaha-chat and kaha-main-v3 know each other by this token. */
  serviceToken: string;
  /** Edges take whoever has this token for a service. */
  edgeServiceToken: string;
  logHashKey: string;
  /** The Postgres that a Docker engine runs has this password. */
  postgresPassword: string;
  /** Browsers know by these who may send pushes (VAPID), in base64url. */
  vapidPublicKey: string;
  vapidPrivateKey: string;
  /** Providers know conversations by hashes under this key. */
  pushHashKey: string;
};

export function readSecrets(dataDir: string): Secrets {
  const path = join(dataDir, 'secrets.json');
  const known: Partial<Secrets> = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  const secrets: Secrets = {
    contentKeys: `k1:${randomBytes(32).toString('base64')}`,
    serviceToken: randomBytes(24).toString('base64url'),
    edgeServiceToken: randomBytes(24).toString('base64url'),
    logHashKey: randomBytes(24).toString('base64url'),
    postgresPassword: randomBytes(18).toString('base64url'),
    pushHashKey: randomBytes(24).toString('base64url'),
    ...makeVapidKeys(),
    ...known,
  };
  if (Object.keys(known).length < Object.keys(secrets).length) {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(path, JSON.stringify(secrets), { mode: 0o600 });
  }
  return secrets;
}

function makeVapidKeys(): Pick<Secrets, 'vapidPublicKey' | 'vapidPrivateKey'> {
  const { publicKey, privateKey } = makeVapidPair();
  return { vapidPublicKey: publicKey, vapidPrivateKey: privateKey };
}
