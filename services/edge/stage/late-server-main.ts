import { setImmediate as nextTurn } from 'node:timers/promises';
import { steadyMs } from '../../../shared/process/clock.ts';
import { type Handlers, startServer, type UpgradeAnswer } from '../server/uws-server.ts';
import { Session, type Socket } from '../session/session.ts';

/**
 * This program grants the first upgrade at once, and later ones in a later turn of the event loop.
 * It prints its port. A test reads what the library writes to stderr.
 */
const open = new Set<Socket>();
const never = (): never => {
  throw new Error('only upgrades are asked for');
};
const granted = (): UpgradeAnswer => ({
  isAccepted: true,
  session: new Session(steadyMs()),
  subprotocol: undefined,
});
const handlers: Handlers = {
  connected: () => true,
  disconnected: () => undefined,
  isCrowded: () => false,
  upgrade: () => (open.size === 0 ? granted() : nextTurn().then(granted)),
  opened({ socket }) {
    if (socket === undefined) return;
    open.add(socket);
    socket.send('opened');
  },
  received: () => undefined,
  closed: () => undefined,
  anySocket: () => [...open][0],
  http: never,
  refuse: never,
};
const { port } = await startServer({ host: '127.0.0.1', port: 0 }, handlers);
process.stdout.write(`${port}\n`);
