import { createECDH, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Certificate, makeCertificate } from './make-certificate.ts';

type Pair = { publicKey: string; privateKey: string };

/** The stand-ins know the public half of each key, and whoever pushes to them the private one. */
export type PushKeys = {
  /** The stand-ins show this certificate. Whoever pushes trusts it as an authority. */
  certificate: Certificate;
  apns: Pair & { keyId: string; teamId: string; topic: string };
  fcm: Pair & { projectId: string; clientEmail: string };
  vapid: Pair & { subject: string };
};

/** Reads the keys of a data folder. They are made once, because registrations outlive a restart. */
export function readPushKeys(file: string): PushKeys {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as PushKeys;
  const keys = makePushKeys();
  writeFileSync(file, JSON.stringify(keys), { mode: 0o600 });
  return keys;
}

export function makePushKeys(): PushKeys {
  return {
    certificate: makeCertificate(),
    apns: {
      ...pem(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
      ...{ keyId: 'DEVKEY0001', teamId: 'DEVTEAM001', topic: 'example.kaha.chat' },
    },
    fcm: {
      ...pem(generateKeyPairSync('rsa', { modulusLength: 2_048 })),
      ...{ projectId: 'kaha-dev', clientEmail: 'push@kaha-dev.example' },
    },
    vapid: { ...makeVapidPair(), subject: 'mailto:push@kaha-dev.example' },
  };
}

function pem({ publicKey, privateKey }: ReturnType<typeof generateKeyPairSync>): Pair {
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

/** The protocol has these keys as bare numbers in base64url. */
export function makeVapidPair(): Pair {
  const ecdh = createECDH('prime256v1');
  const publicKey = ecdh.generateKeys('base64url');
  const privateKey = Buffer.from(ecdh.getPrivateKey('hex').padStart(64, '0'), 'hex');
  return { publicKey, privateKey: privateKey.toString('base64url') };
}
