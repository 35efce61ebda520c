import type { ConnectionState } from '../../../clients/js/src/tabs/tab-message.ts';

type Said = { kind: 'good' | 'busy' | 'bad'; text: string };

/** The server ends a connection for good with these codes. */
const REASONS: Readonly<Record<number, string>> = {
  4500: 'The server does not accept who you are.',
  4501: 'The server refused what this page sent.',
  4502: 'The server waited too long for this page.',
  4503: 'You were signed out.',
  4504: 'You use too many devices.',
  4505: 'Another program uses this device.',
};

/** Says in plain words how the connection stands. */
export function sayConnection({ status, code, reason }: ConnectionState, isOn: boolean): Said {
  if (!isOn) return { kind: 'bad', text: 'Offline: you switched the network off' };
  if (status === 'connected') return { kind: 'good', text: 'Connected' };
  if (status === 'connecting') return { kind: 'busy', text: 'Connecting …' };
  if (status === 'disconnected') return { kind: 'bad', text: 'Offline' };
  const known = code === undefined ? undefined : REASONS[code];
  return { kind: 'bad', text: known ?? (reason || 'The server has ended the connection.') };
}
