import t from 'tap';
import { isDeviceId, isUuidV4, newId, shardOf, type UserId } from './ids.ts';

t.test('only lower-case UUID v4 is an id', async (t) => {
  t.ok(isUuidV4(newId()));
  for (const bad of [
    '',
    'x',
    '3F2504E0-4F89-41D3-9A0C-0305E82C3301',
    '3f2504e0-4f89-11d3-9a0c-0305e82c3301',
    '3f2504e0-4f89-41d3-1a0c-0305e82c3301',
    '3f2504e0-4f89-41d3-9a0c-0305e82c3301 ',
    '3f2504e0-4f89-41d3-9a0c-0305e82c3301\n',
    '*',
    7,
    null,
  ]) {
    t.notOk(isUuidV4(bad), JSON.stringify(bad));
  }
});

t.test('a device id holds nothing that has a meaning in a subject', async (t) => {
  t.ok(isDeviceId('phone-1'));
  t.ok(isDeviceId('a'.repeat(64)));
  for (const bad of ['', 'a'.repeat(65), 'a.b', 'a*', '>', 'a b', 'ä', 'a_b', 'a\n', undefined]) {
    t.notOk(isDeviceId(bad), JSON.stringify(bad));
  }
});

t.test('the shard is the first 32 bits modulo the shards', async (t) => {
  t.equal(shardOf('ffffffff-0000-4000-8000-000000000000' as UserId, 64), 63);
  t.equal(shardOf('00000041-0000-4000-8000-000000000000' as UserId, 64), 1);
});
