import { request } from 'node:http';

type UpgradeResult = { status: number; headers: Record<string, unknown>; body: string };

/**
 * Asks for an upgrade and returns the status. A granted upgrade returns 101, and is cut at once.
 */
export function askUpgrade(
  port: number,
  headers: Record<string, string> = {},
  path = '/ws',
): Promise<UpgradeResult> {
  return new Promise((resolve, reject) => {
    const asking = request({
      port,
      path,
      host: '127.0.0.1',
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    });
    asking.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: '' });
    });
    asking.on('response', (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    asking.on('error', reject);
    asking.end();
  });
}
