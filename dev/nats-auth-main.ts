import { parseArgs } from 'node:util';
import { FEED_CONSUMER_NAME } from '../shared/contracts/permissions.ts';
import { writeNatsAuth } from './servers/nats-auth.ts';

const HELP = `Makes the NATS users of a site: a seed for each, and what the NATS server must know.

  npm run nats-auth -- --edges <n> [--feeds <name>,…] --out <folder>

  --edges <n>     edges that may ever run, each has a user of its own (default 8)
  --feeds <names> consumers of the feed, each has a user of its own (default none)
  --out <folder>  <user>.seed   secret, for the service that runs as this user
                  jetstream.key secret, for the NATS server, which encrypts its files with it
                  seeds.env     secret, all of these for docker compose (EDGE_1_SEED=…)
                  auth.conf     public keys and permissions, for the NATS server
                  nats.conf     a server configuration that includes it; kept if it is there

What is there of seeds and key is kept: run it again for more users, or after an update of the
permissions, then give auth.conf to the server (nats-server --signal reload).
`;
const EDGES_MAX = 1_000;

const { values } = parseArgs({
  options: {
    edges: { type: 'string', default: '8' },
    feeds: { type: 'string', default: '' },
    out: { type: 'string' },
    help: { type: 'boolean' },
  },
});
const edges = Number(values.edges);
const feedConsumers = values.feeds.split(',').filter((name) => name !== '');
const isValid =
  edges >= 1 && edges <= EDGES_MAX && feedConsumers.every((name) => FEED_CONSUMER_NAME.test(name));
if (values.help || values.out === undefined || !isValid) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 1);
}
const { users, isEncrypted } = writeNatsAuth(values.out, { edges, feedConsumers });
process.stdout.write(`${users} users of NATS in ${values.out}\n`);
if (!isEncrypted) {
  process.stdout.write(
    `Queues are not encrypted by ${values.out}/nats.conf: see docs/at-rest.md\n`,
  );
}
