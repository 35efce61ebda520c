import type { IncomingMessage, ServerResponse } from 'node:http';

export type HttpAnswer = { status: number; body?: unknown; headers?: Record<string, string> };

/** Reads a body of at most `bytesMax`, and rejects a larger one. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > bytesMax) throw new Error('the body is too large');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Answers as JSON, unless the connection is gone. */
export function sendJson(
  response: ServerResponse,
  { status, body = {}, headers = {} }: HttpAnswer,
): void {
  if (response.destroyed || response.writableEnded) return;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
