import { connect } from 'node:net';
import pg from 'pg';

/** A process is ready when this URL answers 200, this port accepts, or this Postgres serves. */
export type Readiness = { url: string } | { port: number } | { database: string };

const ANSWER_MS = 2_000;

/**
 * Resolves with undefined once the process is ready, and until then with what it lacks, in words
 * for people.
 */
export async function whatLacks(ready: Readiness): Promise<string | undefined> {
  try {
    if ('url' in ready) await askUrl(ready.url);
    else if ('port' in ready) await askPort(ready.port);
    else await askDatabase(ready.database);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function askUrl(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
  const body = await response.text();
  if (response.status !== 200) throw new Error(`${url} answers ${response.status} ${body}`);
}

function askPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}

/**
 * Asks whether Postgres serves. It takes connections before that, but refuses them while it
 * recovers.
 */
async function askDatabase(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: ANSWER_MS });
  // If the server dies meanwhile, the next try tells.
  client.on('error', (error) => void error);
  await client.connect();
  await client.end();
}
