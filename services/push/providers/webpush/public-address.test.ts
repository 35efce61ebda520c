import t from 'tap';
import { isPublicAddress } from './public-address.ts';

t.test('addresses of the public internet are public', async (t) => {
  const addresses = [
    '8.8.8.8',
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '11.0.0.1',
    '223.255.255.1',
  ];
  for (const address of [...addresses, '2606:4700::1111', '2a00:1450:4001::1', '2400:cb00::1']) {
    t.ok(isPublicAddress(address), address);
  }
});

t.test('private, local, shared, reserved and translated addresses are not', async (t) => {
  const v4 = [
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.255'],
    ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.168.1.1', '198.19.0.1'],
    ...['192.0.0.8', '224.0.0.1', '239.1.1.1', '240.0.0.1', '255.255.255.255'],
  ];
  const v6 = [
    ...['::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd12:3456::1', 'ff02::1'],
    ...['::ffff:8.8.8.8', '::ffff:7f00:1', '::8.8.8.8', '64:ff9b::a00:1', '2002:7f00:1::'],
    ...['2001::1', '2001:db8::1', '100::1', 'fec0::1'],
  ];
  for (const address of [...v4, ...v6]) t.notOk(isPublicAddress(address), address);
});

t.test('what is no address is not public', async (t) => {
  for (const text of ['', 'localhost', '127.1', '0x7f.1', '2130706433', '8.8.8.8.', '[::1]']) {
    t.notOk(isPublicAddress(text), text);
  }
});
