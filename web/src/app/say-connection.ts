import type { ConnectionState } from '../../../clients/js/src/tabs/tab-message.ts';

export type Said = {
  kind: 'good' | 'busy' | 'bad';
  word: 'Connected' | 'Connecting …' | 'Offline' | 'Ended';
  reason: string;
};

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
  if (!isOn) return { kind: 'bad', word: 'Offline', reason: 'You switched the network off.' };
  if (status === 'connected') return { kind: 'good', word: 'Connected', reason: '' };
  if (status === 'connecting')
    return { kind: 'busy', word: 'Connecting …', reason: whyAgain(code) };
  if (status === 'disconnected') return { kind: 'bad', word: 'Offline', reason: '' };
  const known = code === undefined ? undefined : REASONS[code];
  const why = known ?? (reason || 'The server has ended the connection.');
  return { kind: 'bad', word: 'Ended', reason: why };
}

/** Says how many messages are not at the server. */
export function sayWaiting(waiting: number, failed: number): string {
  const texts = [
    waiting > 0 && `${waiting} ${waiting === 1 ? 'message waits' : 'messages wait'} to be sent.`,
    failed > 0 && `${failed} ${failed === 1 ? 'message was' : 'messages were'} not sent.`,
  ];
  return texts.filter(Boolean).join(' ');
}

const GOING_AWAY = 4000;
const TOKEN_EXPIRED = 4005;

function whyAgain(code: number | undefined): string {
  if (code === undefined) return '';
  if (code === GOING_AWAY) return 'The server is restarting.';
  if (code === TOKEN_EXPIRED) return 'You are being signed in again.';
  return 'The connection broke, and is being made again.';
}
