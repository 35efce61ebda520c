import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { authOf, readSeeds } from './nats-server.ts';

const HELP = `Makes the NATS users of a site: a seed for each, and what the NATS server must know.

  npm run nats-auth -- --edges <n> --out <folder>

  --edges <n>     edges that may ever run, each has a user of its own (default 8)
  --out <folder>  <user>.seed   secret, for the service that runs as this user
                  seeds.env     secret, all of them for docker compose (EDGE_1_SEED=…)
                  auth.conf     public keys and permissions, for the NATS server
                  nats.conf     a server configuration that includes it; kept if it is there

Seeds that are there are kept: run it again for more edges, or after an update of the permissions,
then give auth.conf to the server (nats-server --signal reload).
`;
const EDGES_MAX = 1_000;

/** The limit of file storage is accounting: JetStream reserves what every stream may take. */
const NATS_CONF = `port: 4222
http_port: 8222
max_payload: 1MB
jetstream { store_dir: "/data", max_file_store: 512GB }
include auth.conf
`;

const { values } = parseArgs({
  options: {
    edges: { type: 'string', default: '8' },
    out: { type: 'string' },
    help: { type: 'boolean' },
  },
});
const edges = Number(values.edges);
if (values.help || values.out === undefined || !(edges >= 1 && edges <= EDGES_MAX)) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 1);
}
write(values.out, edges);

function write(out: string, count: number): void {
  mkdirSync(out, { recursive: true });
  const seeds = readSeeds(out, count);
  const lines = Object.entries(seeds).map(
    ([user, seed]) => `${user.toUpperCase().replace('-', '_')}_SEED=${seed}\n`,
  );
  writeFileSync(join(out, 'seeds.env'), lines.join(''), { mode: 0o600 });
  writeFileSync(join(out, 'auth.conf'), authOf(seeds));
  const conf = join(out, 'nats.conf');
  if (!existsSync(conf)) writeFileSync(conf, NATS_CONF);
  process.stdout.write(`${lines.length} users of NATS in ${out}\n`);
}
