import { createPrivateKey } from 'node:crypto';
import type { EnvReader } from '../../shared/process/env.ts';
import type { ApnsKey } from './providers/apns/apns-token.ts';
import type { ServiceAccount } from './providers/fcm/fcm-token.ts';
import type { ApnsEnvironment } from './providers/provider.ts';
import type { VapidKeys } from './providers/webpush/vapid.ts';

/** A provider that is not configured is absent, and no push goes there. */
export type ProvidersConfig = {
  apns?: { key: ApnsKey; urls: Record<ApnsEnvironment, string> };
  fcm?: { account: ServiceAccount; url: string };
  webpush?: { keys: VapidKeys; endpoints: 'public' | 'any' };
  /** This authority is trusted instead of the usual ones. Only development has one. */
  ca: string | undefined;
};

const APNS_URL = 'https://api.push.apple.com';
const APNS_SANDBOX_URL = 'https://api.sandbox.push.apple.com';
const FCM_URL = 'https://fcm.googleapis.com';
const APNS_ID = /^[A-Z0-9]{10}$/;
const POINT = /^B[A-Za-z0-9_-]{86}$/;
const SCALAR = /^[A-Za-z0-9_-]{43}$/;
const SUBJECT = /^(?:mailto:\S+@\S+|https:\/\/\S+)$/;

/** Reads what is set of each provider. Whoever sets a part of one has to set all of it. */
export function readProvidersConfig(reader: EnvReader): ProvidersConfig {
  const apns = readApns(reader);
  const fcm = readFcm(reader);
  const webpush = readWebPush(reader);
  return {
    ...(apns && { apns }),
    ...(fcm && { fcm }),
    ...(webpush && { webpush }),
    ca: reader.optional('PUSH_CA'),
  };
}

function readApns(reader: EnvReader): ProvidersConfig['apns'] {
  const privateKey = reader.optional('APNS_KEY');
  if (privateKey === undefined) return undefined;
  checkKey(reader, { name: 'APNS_KEY', pem: privateKey, type: 'ec' });
  return {
    key: {
      privateKey,
      keyId: reader.matching('APNS_KEY_ID', { pattern: APNS_ID }),
      teamId: reader.matching('APNS_TEAM_ID', { pattern: APNS_ID }),
    },
    urls: {
      production: urlOf(reader, 'APNS_URL', APNS_URL),
      sandbox: urlOf(reader, 'APNS_SANDBOX_URL', APNS_SANDBOX_URL),
    },
  };
}

function readFcm(reader: EnvReader): ProvidersConfig['fcm'] {
  const text = reader.optional('FCM_SERVICE_ACCOUNT');
  if (text === undefined) return undefined;
  const account = readAccount(text);
  if (account === undefined) {
    reader.problem('FCM_SERVICE_ACCOUNT is not the JSON file of a service account');
    return undefined;
  }
  checkKey(reader, { name: 'FCM_SERVICE_ACCOUNT', pem: account.private_key, type: 'rsa' });
  return { account, url: urlOf(reader, 'FCM_URL', FCM_URL) };
}

function readWebPush(reader: EnvReader): ProvidersConfig['webpush'] {
  if (reader.optional('WEBPUSH_PUBLIC_KEY') === undefined) return undefined;
  return {
    keys: {
      publicKey: reader.matching('WEBPUSH_PUBLIC_KEY', { pattern: POINT }),
      privateKey: reader.matching('WEBPUSH_PRIVATE_KEY', { pattern: SCALAR }),
      subject: reader.matching('WEBPUSH_SUBJECT', { pattern: SUBJECT }),
    },
    endpoints: reader.oneOf('WEBPUSH_ENDPOINTS', ['public', 'any'], 'public'),
  };
}

function urlOf(reader: EnvReader, name: string, byDefault: string): string {
  return reader.optional(name) === undefined ? byDefault : reader.url(name, ['https:']);
}

/** Takes the four fields that are needed of an account, or returns undefined. */
function readAccount(text: string): ServiceAccount | undefined {
  try {
    const { project_id, client_email, private_key, token_uri } = JSON.parse(text);
    const account = { project_id, client_email, private_key, token_uri };
    const isComplete = Object.values(account).every((value) => typeof value === 'string');
    return isComplete && URL.canParse(token_uri) ? account : undefined;
  } catch {
    return undefined;
  }
}

type Checked = { name: string; pem: string; type: 'ec' | 'rsa' };

function checkKey(reader: EnvReader, { name, pem, type }: Checked): void {
  if (kindOf(pem) !== type) reader.problem(`${name} has no private key of the kind ${type} in PEM`);
}

/** The error that a text causes is not told, because it may hold a part of a key. */
function kindOf(pem: string): string | undefined {
  try {
    return createPrivateKey(pem).asymmetricKeyType;
  } catch {
    return undefined;
  }
}
