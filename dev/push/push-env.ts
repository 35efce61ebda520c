import type { PushKeys } from './push-keys.ts';

type Urls = { production: string; sandbox: string; fcm: string };

/** Returns the variables by which a service pushes to the stand-ins. */
export function pushEnv(
  { certificate, apns, fcm, vapid }: PushKeys,
  urls: Urls,
): Record<string, string> {
  const account = {
    ...{ project_id: fcm.projectId, client_email: fcm.clientEmail },
    ...{ private_key: fcm.privateKey, token_uri: `${urls.fcm}/token` },
  };
  return {
    APNS_KEY: apns.privateKey,
    APNS_KEY_ID: apns.keyId,
    APNS_TEAM_ID: apns.teamId,
    APNS_URL: urls.production,
    APNS_SANDBOX_URL: urls.sandbox,
    FCM_SERVICE_ACCOUNT: JSON.stringify(account),
    FCM_URL: urls.fcm,
    WEBPUSH_PUBLIC_KEY: vapid.publicKey,
    WEBPUSH_PRIVATE_KEY: vapid.privateKey,
    WEBPUSH_SUBJECT: vapid.subject,
    WEBPUSH_ENDPOINTS: 'any',
    PUSH_CA: certificate.cert,
  };
}
