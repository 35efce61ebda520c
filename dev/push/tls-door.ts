import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Server } from 'node:tls';
import { type Certificate, makeCertificate } from './make-certificate.ts';

type Pair = { outer: Socket; inner: Socket };

const HOST = '127.0.0.1';

/**
 * Stands before a TLS server on loopback, and passes bytes on. So it can reset a connection or let
 * it fall silent, of which the TLS server knows nothing, and show a wrong certificate.
 */
export class TlsDoor {
  readonly #server: Server;
  readonly #right: Certificate;
  readonly #outer = createServer((outer) => this.#pass(outer));
  /** The TLS server sees each connection come from this port. */
  readonly #pairs = new Map<number, Pair>();
  #innerPort = 0;

  constructor(server: Server, right: Certificate) {
    this.#server = server;
    this.#right = right;
    server.on('tlsClientError', (_, socket) => socket.destroy());
  }

  async listen(port: number): Promise<number> {
    this.#server.listen(0, HOST);
    await once(this.#server, 'listening');
    this.#innerPort = (this.#server.address() as AddressInfo).port;
    this.#outer.listen(port, HOST);
    await once(this.#outer, 'listening');
    return (this.#outer.address() as AddressInfo).port;
  }

  /** Resets the connection that the TLS server sees come from this port. */
  reset(port: number | undefined): void {
    const pair = this.#pairs.get(port ?? 0);
    pair?.outer.resetAndDestroy();
    pair?.inner.destroy();
  }

  /** Passes nothing on any more, and closes nothing. */
  freeze(port: number | undefined): void {
    const pair = this.#pairs.get(port ?? 0);
    pair?.outer.unpipe().pause();
    pair?.inner.unpipe().pause();
  }

  /** Shows another certificate. All who are connected have to connect anew. */
  show(isWrong: boolean): void {
    this.#server.setSecureContext(isWrong ? makeCertificate('elsewhere.example') : this.#right);
    this.#cutAll();
  }

  async close(): Promise<void> {
    const closed = once(this.#outer, 'close');
    this.#outer.close();
    // Node does not tell of the end of a server of HTTP/2 that has sent GOAWAY.
    this.#server.close();
    this.#cutAll();
    await closed;
  }

  #pass(outer: Socket): void {
    const inner = connect(this.#innerPort, HOST);
    for (const [one, other] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      one.on('error', () => one.destroy());
      one.once('close', () => other.destroy());
      one.pipe(other);
    }
    inner.once('connect', () => {
      const port = inner.localPort ?? 0;
      this.#pairs.set(port, { outer, inner });
      inner.once('close', () => this.#pairs.delete(port));
    });
  }

  #cutAll(): void {
    for (const { outer, inner } of this.#pairs.values()) {
      outer.destroy();
      inner.destroy();
    }
  }
}
