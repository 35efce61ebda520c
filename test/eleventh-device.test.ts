import t from 'tap';
import { until } from '../dev/testing/until.ts';
import type { Client } from './stage/client.ts';
import { numbers } from './stage/numbers.ts';
import { type Person, setStack } from './stage/stack.ts';

/** An eleventh device comes while something is away, or has just died. */
const system = await setStack(t, { edges: 2, routers: 1, stores: 1 });

const CODES = { serverError: 4001 };
const OTHERS = numbers(2, 10).map((n) => `device-${n}`);

const resumedOf = (client: Client): unknown => client.received[0]?.resumed;

async function comeAndGo(person: Person, device: string): Promise<void> {
  await (await system.connectNew(person, { device })).close();
}

/** Resolves once store has noted these devices of the person. */
async function untilNoted(person: Person, devices: readonly string[]): Promise<void> {
  await until('store has noted the devices', async () => {
    const rows = await system.sql<{ device_id: string }>(
      'select device_id from devices where user_id = $1',
      [person.id],
    );
    const noted = rows.map(({ device_id }) => device_id);
    return devices.every((device) => noted.includes(device));
  });
}

/** Lets the devices have been there last in this order, each an hour after the one before. */
async function letTimePass(person: Person, devices: readonly string[]): Promise<void> {
  await system.sql(
    `update devices d set last_seen_at = now() + o.place * interval '1 hour'
     from unnest($2::text[]) with ordinality o (device_id, place)
     where d.user_id = $1 and d.device_id = o.device_id`,
    [person.id, devices],
  );
}

async function closeCodeOf(person: Person, device: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${person.token}`, 'x-device-id': device };
  return (await (await system.socket(headers)).closed).code;
}

t.test('a phone that is used without any traffic stays, and the least used goes', async (t) => {
  const bob = await system.person();
  await comeAndGo(bob, 'phone');
  for (const device of OTHERS) await comeAndGo(bob, device);
  await untilNoted(bob, ['phone', ...OTHERS]);
  const at = async (): Promise<unknown> => {
    const [row] = await system.sql<{ at: Date }>(
      `select last_seen_at as at from devices where user_id = $1 and device_id = 'phone'`,
      [bob.id],
    );
    return row?.at.getTime();
  };
  const before = await at();
  await (await system.connect(bob, { device: 'phone' })).close();
  await until('store has noted the phone again', async () => (await at()) !== before);
  await comeAndGo(bob, 'eleventh');
  t.equal(resumedOf(await system.connect(bob, { device: 'phone' })), true);
  t.equal(resumedOf(await system.connect(bob, { device: OTHERS[0] as string })), false);
});

t.test('a device whose edge is killed counts from its last report', async (t) => {
  const bob = await system.person();
  for (const device of OTHERS) await comeAndGo(bob, device);
  const phone = await system.connectNew(bob, { device: 'phone', edge: 2 });
  await untilNoted(bob, OTHERS);
  // The edge has told of the phone within the last hour, and of the others when they left.
  await system.sql(
    'insert into devices (user_id, device_id, last_seen_at) values ($1, $2, now())',
    [bob.id, 'phone'],
  );
  await letTimePass(bob, [...OTHERS.slice(1), 'phone', OTHERS[0] as string]);
  system.stack.kill('edge-2');
  await phone.closed;
  await comeAndGo(bob, 'eleventh');
  t.equal(resumedOf(await system.connect(bob, { device: 'phone' })), true);
  t.equal(resumedOf(await system.connect(bob, { device: OTHERS[1] as string })), false);
  await system.stack.start('edge-2');
});

t.test('without store an eleventh device is sent away for now, and nothing is lost', async (t) => {
  const bob = await system.person();
  await comeAndGo(bob, 'phone');
  for (const device of OTHERS) await comeAndGo(bob, device);
  await untilNoted(bob, ['phone', ...OTHERS]);
  system.stack.kill('store-1');
  t.equal(await closeCodeOf(bob, 'eleventh'), CODES.serverError);
  const phone = await system.connect(bob, { device: 'phone' });
  t.equal(resumedOf(phone), true, 'a known device needs no store');
  await phone.close();
  await letTimePass(bob, ['phone', ...OTHERS]);
  await system.stack.start('store-1');
  await comeAndGo(bob, 'eleventh');
  t.equal(resumedOf(await system.connect(bob, { device: OTHERS[0] as string })), true);
});

t.test('devices that left while store was away are noted once it is back', async () => {
  const bob = await system.person();
  const phone = await system.connectNew(bob);
  system.stack.kill('store-1');
  await phone.close();
  await system.stack.start('store-1');
  await untilNoted(bob, ['phone']);
});
