import { readPushKeys } from './push-keys.ts';
import { startPushStandIn } from './push-stand-in.ts';

const { PUSH_KEYS_FILE = '', PUSH_PORTS = '', WEBPUSH_PUBLIC_KEY = '' } = process.env;

const keys = readPushKeys(PUSH_KEYS_FILE);
const [control = 0, production = 0, sandbox = 0, fcm = 0, webpush = 0] =
  PUSH_PORTS.split(',').map(Number);
const standIn = await startPushStandIn({
  keys: { ...keys, vapid: { ...keys.vapid, publicKey: WEBPUSH_PUBLIC_KEY } },
  ports: { control, production, sandbox, fcm, webpush },
});
process.stdout.write('push providers STAND-IN, for development and tests only\n');
const stop = (): void => void standIn.close().then(() => process.exit(0));
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
