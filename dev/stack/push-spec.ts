import { join, resolve } from 'node:path';
import type { ProcessSpec } from '../processes/child.ts';
import { freePorts } from '../processes/ports.ts';
import { programArgs } from '../processes/program.ts';
import { pushEnv } from '../push/push-env.ts';
import { readPushKeys } from '../push/push-keys.ts';
import type { Secrets } from '../servers/secrets.ts';

/** Push runs with stand-ins of all providers, which share its keys. */
export type PushPlaces = {
  /** The control shows the pushes that devices got, and takes orders how providers answer. */
  control: string;
  /** Push reads these variables. */
  env: Record<string, string>;
  standIn: ProcessSpec;
};

type Options = { runDir: string; dataDir: string; secrets: Secrets; instances: number };

/** Plans the stand-ins. Browsers and edges know push by the VAPID keys of the secrets. */
export async function planPush(options: Options): Promise<PushPlaces> {
  const { runDir, dataDir, secrets, instances } = options;
  const file = resolve(dataDir, 'push-keys.json');
  const keys = readPushKeys(file);
  const { vapidPublicKey: publicKey, vapidPrivateKey: privateKey } = secrets;
  const vapid = { ...keys.vapid, publicKey, privateKey };
  const ports = await freePorts(5);
  const [control, production, sandbox, fcm] = ports as [number, number, number, number];
  const urlOf = (port: number): string => `https://127.0.0.1:${port}`;
  const urls = { production: urlOf(production), sandbox: urlOf(sandbox), fcm: urlOf(fcm) };
  return {
    control: `http://127.0.0.1:${control}`,
    env: {
      ...pushEnv({ ...keys, vapid }, urls),
      PUSH_HASH_KEY: secrets.pushHashKey,
      PUSH_SHARES: String(instances),
    },
    standIn: {
      name: 'push-providers',
      service: 'push-providers',
      command: process.execPath,
      args: programArgs('dev/push/main.ts'),
      env: {
        PUSH_KEYS_FILE: file,
        PUSH_PORTS: ports.join(','),
        WEBPUSH_PUBLIC_KEY: publicKey,
      },
      port: control,
      log: join(runDir, 'push-providers.log'),
      ready: { url: `http://127.0.0.1:${control}/_control` },
    },
  };
}
