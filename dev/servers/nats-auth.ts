import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authOf, type NamedUsers, readSeeds } from './nats-server.ts';

/**
 * The limit of file storage is only accounting, because JetStream reserves what every stream may
 * take.
 */
const NATS_CONF = `port: 4222
http_port: 8222
max_payload: 1MB
jetstream { store_dir: "/data", max_file_store: 512GB }
include auth.conf
`;

/** Writes seeds and configuration to the folder. Returns the number of users. */
export function writeNatsAuth(out: string, named: NamedUsers): number {
  mkdirSync(out, { recursive: true });
  const seeds = readSeeds(out, named);
  const lines = Object.entries(seeds).map(
    ([user, seed]) => `${user.toUpperCase().replace('-', '_')}_SEED=${seed}\n`,
  );
  writeFileSync(join(out, 'seeds.env'), lines.join(''), { mode: 0o600 });
  writeFileSync(join(out, 'auth.conf'), authOf(seeds));
  const conf = join(out, 'nats.conf');
  if (!existsSync(conf)) writeFileSync(conf, NATS_CONF);
  return lines.length;
}
