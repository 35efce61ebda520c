import { connectNats } from '../../shared/nats/nats-connection.ts';
import { runCommand } from '../../shared/process/process.ts';
import { setUpStreams } from './streams/stream-setup.ts';
import { loadStreamsConfig } from './streams-config.ts';

/**
 * The command that makes the streams must run before the services of its version; no service runs
 * it. It exits with status 0 when all streams are as this version defines them.
 */
await runCommand({
  name: 'streams',
  env: process.env,
  loadConfig: loadStreamsConfig,
  async run({ nats, streams }, logger) {
    const nc = await connectNats({ ...nats, natsUser: 'setup', instance: 'setup' });
    try {
      const { created, updated, ...deleted } = await setUpStreams(nc, streams);
      const counts = {
        ...{ created: created.length, updated: updated.length },
        deletedStreams: deleted.deletedStreams.length,
        deletedConsumers: deleted.deletedConsumers,
      };
      logger.info(counts, 'streams are there');
    } finally {
      await nc.close();
    }
  },
});
