import t from 'tap';
import { newId, type UserId } from '../../shared/ids.ts';
import { setStage, tokenOf } from './edge-stage.ts';

const stage = await setStage();
const router = await stage.startRouter();
const edge = await stage.startEdge();
t.teardown(() => stage.close());

t.test('a token in the Authorization header opens a session', async (t) => {
  const userId = newId<UserId>();
  const headers = { authorization: `Bearer ${await tokenOf(userId)}`, 'x-device-id': 'phone-1' };
  const client = await stage.connect(edge, { headers });
  const ok = await client.next('auth_ok');
  t.match(ok, {
    user_id: userId,
    device_id: 'phone-1',
    session_id: String,
    resumed: false,
    heartbeat_interval_ms: 15_000,
    server_time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  });
  t.match(await client.next('replay_end'), { complete: false });
  t.equal(await client.close(), 1005);
});
