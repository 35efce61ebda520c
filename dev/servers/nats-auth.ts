import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  authOf,
  ENCRYPTION,
  JETSTREAM_KEY,
  type NamedUsers,
  readJetStreamKey,
  readSeeds,
} from './nats-server.ts';

/**
 * The limit of file storage is only accounting, because JetStream reserves what every stream may
 * take.
 */
const NATS_CONF = `port: 4222
http_port: 8222
max_payload: 1MB
jetstream {
  store_dir: "/data"
  max_file_store: 512GB
${ENCRYPTION}
}
include auth.conf
`;

/**
 * Writes seeds, the key of JetStream's files and configuration to the folder. Returns the number of
 * users, and whether the configuration names the key, which one of an earlier version does not.
 */
export function writeNatsAuth(
  out: string,
  named: NamedUsers,
): { users: number; isEncrypted: boolean } {
  mkdirSync(out, { recursive: true });
  const seeds = readSeeds(out, named);
  const lines = Object.entries(seeds).map(
    ([user, seed]) => `${user.toUpperCase().replace('-', '_')}_SEED=${seed}\n`,
  );
  const env = [...lines, `${JETSTREAM_KEY}=${readJetStreamKey(out)}\n`];
  writeFileSync(join(out, 'seeds.env'), env.join(''), { mode: 0o600 });
  writeFileSync(join(out, 'auth.conf'), authOf(seeds));
  const conf = join(out, 'nats.conf');
  if (!existsSync(conf)) writeFileSync(conf, NATS_CONF);
  const isEncrypted = readFileSync(conf, 'utf8').includes(`$${JETSTREAM_KEY}`);
  return { users: lines.length, isEncrypted };
}
