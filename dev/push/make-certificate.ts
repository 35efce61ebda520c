import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export type Certificate = { cert: string; key: string };

const DAY_MS = 86_400_000;
const VALID_DAYS = 3_650;

/** These are the tags of DER that a certificate needs. */
const TAG = { integer: 2, bits: 3, octets: 4, oid: 6, text: 12, time: 23, sequence: 48, set: 49 };
const OID = {
  ecdsaSha256: '2a8648ce3d040302',
  commonName: '550403',
  alternativeNames: '551d11',
  constraints: '551d13',
};
const VERSION_3 = Buffer.from('a003020102', 'hex');
const EXTENSIONS = 0xa3;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
const IS_AUTHORITY = sequence(Buffer.from('0101ff', 'hex'));

/**
 * Makes a certificate that signs itself, for `localhost` and 127.0.0.1, or for another host. Nobody
 * trusts it who was not told to. Node has no way to make one, and the machine may have no openssl.
 */
export function makeCertificate(host = 'localhost'): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid(OID.ecdsaSha256));
  const name = sequence(tagged(TAG.set, sequence(oid(OID.commonName), tagged(TAG.text, host))));
  const serial = Buffer.concat([Buffer.of(1), randomBytes(8)]);
  const unsigned = sequence(
    ...[VERSION_3, tagged(TAG.integer, serial), algorithm, name],
    ...[sequence(time(-1), time(VALID_DAYS)), name],
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(EXTENSIONS, sequence(alternativeNames(host), constraints())),
  );
  const signature = bits(sign('sha256', unsigned, privateKey));
  const der = sequence(unsigned, algorithm, signature);
  return {
    cert: pem(der),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

function alternativeNames(host: string): Buffer {
  const names = [tagged(DNS_NAME, host)];
  if (host === 'localhost') names.push(tagged(IP_ADDRESS, Buffer.of(127, 0, 0, 1)));
  return sequence(oid(OID.alternativeNames), tagged(TAG.octets, sequence(...names)));
}

function constraints(): Buffer {
  return sequence(oid(OID.constraints), tagged(TAG.octets, IS_AUTHORITY));
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(TAG.sequence, Buffer.concat(parts));
}

function oid(hex: string): Buffer {
  return tagged(TAG.oid, Buffer.from(hex, 'hex'));
}

function bits(value: Buffer): Buffer {
  return tagged(TAG.bits, Buffer.concat([Buffer.of(0), value]));
}

/** A time of DER is like `260102030405Z`. */
function time(days: number): Buffer {
  const iso = new Date(Date.now() + days * DAY_MS).toISOString();
  return tagged(TAG.time, `${iso.slice(2, 19).replace(/[-T:]/g, '')}Z`);
}

function tagged(tag: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content as Buffer);
  return Buffer.concat([Buffer.of(tag), lengthOf(bytes), bytes]);
}

function lengthOf({ length }: Buffer): Buffer {
  if (length < 128) return Buffer.of(length);
  return length < 256 ? Buffer.of(0x81, length) : Buffer.of(0x82, length >> 8, length & 255);
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
