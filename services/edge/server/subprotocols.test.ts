import t from 'tap';
import { readOffer } from './subprotocols.ts';

t.test('the token and the device are read from the subprotocols', async (t) => {
  const nothing = { chosen: undefined, token: undefined, deviceId: undefined };
  t.same(readOffer(''), nothing);
  t.same(readOffer('kaha.v1'), { ...nothing, chosen: 'kaha.v1' });
  t.same(readOffer(' other,kaha.v1 ,  bearer.a.b-c_d , device.Phone-1'), {
    chosen: 'kaha.v1',
    token: 'a.b-c_d',
    deviceId: 'Phone-1',
  });
});

t.test('subprotocols that the edge cannot answer are refused with a reason', async (t) => {
  for (const header of [
    'other',
    'KAHA.V1',
    'bearer.x',
    'kaha.v1, device.',
    'kaha.v1, device.a_b',
  ]) {
    t.type(readOffer(header), 'string', header);
  }
  t.type(readOffer('kaha.v1, bearer.a, bearer.b'), 'string');
  t.type(readOffer('kaha.v1, device.a, device.b'), 'string');
});
