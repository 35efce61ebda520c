export type UpgradeRequest = {
  /** This is the host of the edge as in a URL. */
  host: string;
  headers: Readonly<Record<string, string>>;
};
type UpgradeResponse = { status: number; retryAfterS: number | undefined; bytes: number };

const END_OF_HEAD = Buffer.from('\r\n\r\n');
const HEAD_BYTES_MAX = 16 * 1024;
/** The key is that of RFC 6455. It is the same for all, since nothing depends on it here. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

export function upgradeRequest({ host, headers }: UpgradeRequest): string {
  const lines = [
    'GET /ws HTTP/1.1',
    `host: ${host}`,
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${KEY}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/**
 * Reads the head of the answer, or returns undefined while it is not whole. `bytes` is where frames
 * begin. Throws on what is not HTTP, and on a 101 with another key.
 */
export function readUpgradeResponse(buffer: Buffer): UpgradeResponse | undefined {
  const end = buffer.indexOf(END_OF_HEAD);
  if (end < 0) {
    if (buffer.length > HEAD_BYTES_MAX) throw new Error('an endless HTTP head');
    return undefined;
  }
  const head = buffer.toString('latin1', 0, end + 2);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  if (!(status >= 100)) throw new Error('not HTTP');
  if (status === 101 && !head.includes(ACCEPT)) throw new Error('a wrong sec-websocket-accept');
  const retryAfter = /\r\nretry-after: *([\d.]+)\r\n/i.exec(head)?.[1];
  return {
    status,
    retryAfterS: retryAfter === undefined ? undefined : Number(retryAfter),
    bytes: end + END_OF_HEAD.length,
  };
}
