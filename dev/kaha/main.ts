import { startKahaStandIn } from './kaha.ts';

const { KAHA_PORT, KAHA_SERVICE_TOKEN, KAHA_KEY_FILE, KAHA_WEBHOOK_URL } = process.env;
const { NATS_URL, NATS_NKEY_SEED } = process.env;

const standIn = await startKahaStandIn({
  port: Number(KAHA_PORT),
  serviceToken: KAHA_SERVICE_TOKEN ?? '',
  keyFile: KAHA_KEY_FILE ?? '',
  webhookUrl: KAHA_WEBHOOK_URL,
  nats: NATS_URL && NATS_NKEY_SEED ? { url: NATS_URL, nkeySeed: NATS_NKEY_SEED } : undefined,
});
process.stdout.write('kaha-main-v3 STAND-IN, for development and tests only\n');
const stop = (): void => void standIn.close().then(() => process.exit(0));
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
