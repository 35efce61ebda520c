import { OK, type Operation, type Target } from './target.ts';

/**
 * These operations concern the caller's own devices alone. A device is named after the number of
 * another person, so many people have a device of the same name. The tokens of all are from before
 * any sign-out.
 */
export const DEVICE_OPERATIONS: readonly Operation[] = [
  {
    name: 'list devices',
    rest: () => ({ method: 'GET', path: '/devices' }),
    expect: () => OK,
    done({ world, userId }, { devices }) {
      const names = (devices as { device_id: string }[]).map(({ device_id }) => device_id);
      const known = world.registeredOf(userId);
      const found = names.filter((name) => name.startsWith('of-'));
      if (found.sort().join() === [...known].sort().join()) return;
      throw new Error(`${userId} is shown ${found}, and has ${[...known]}`);
    },
  },
  {
    name: 'register for pushes',
    rest: (on) => ({
      ...{ method: 'PUT', path: `${devicePath(on)}/push` },
      body: { provider: 'fcm', token: `fcm:${on.clientMsgId}` },
    }),
    expect: (on) => (on.world.isSignedOut(on.userId, deviceOf(on)) ? 'UNAUTHENTICATED' : OK),
    done: (on) => on.world.registeredOf(on.userId).add(deviceOf(on)),
  },
  {
    name: 'end pushes',
    rest: (on) => ({ method: 'DELETE', path: `${devicePath(on)}/push` }),
    expect: () => OK,
    done: (on) => on.world.registeredOf(on.userId).delete(deviceOf(on)),
  },
  {
    name: 'sign out',
    rest: (on) => ({ method: 'DELETE', path: devicePath(on) }),
    expect: (on) => (on.world.registeredOf(on.userId).has(deviceOf(on)) ? OK : 'NOT_FOUND'),
    done: (on) => on.world.signedOut(on.userId, deviceOf(on)),
  },
  {
    name: 'key of web push',
    rest: () => ({ method: 'GET', path: '/push/webpush-key' }),
    expect: () => OK,
  },
];

function deviceOf({ world, otherId }: Target): string {
  return `of-${world.userIds.indexOf(otherId)}`;
}

function devicePath(on: Target): string {
  return `/devices/${deviceOf(on)}`;
}
