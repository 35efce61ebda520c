import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { programArgs } from '../../dev/processes/program.ts';
import { newId, type UserId } from '../../shared/ids.ts';
import { appendOk, createGroup, letter, setStage } from './stage/store-stage.ts';

const { store, sql, url } = await setStage(t);

async function run(args: string[], env: NodeJS.ProcessEnv = { DATABASE_URL: url }) {
  const program = [...programArgs('services/store/retention-main.ts'), ...args];
  const child = spawn(process.execPath, program, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { out, err, status };
}

t.test('a dry run says what would go, and changes nothing', async (t) => {
  const [ann, bob] = [newId<UserId>(), newId<UserId>()];
  const id = await createGroup(store, [ann, bob]);
  await appendOk(store, id, [letter(ann), letter(bob), letter(ann)]);
  await sql('create table long_ago (like messages including all)');
  await sql(`alter table messages attach partition long_ago
    for values from ('2020-01-06') to ('2020-01-13')`);
  await sql(`update messages set sent_at = '2020-01-07' where seq < 3`);
  const { out, status } = await run(['--dry-run']);
  t.equal(status, 0);
  t.match(out, /shown for 90 days and kept for 7 more/);
  t.match(out, /long_ago +2 +2 +0 +0 +dropped/);
  const [left] = await sql('select count(*) from messages where conversation_id = $1', [id]);
  t.match(left, { count: 3 });
  t.same(await sql('select * from expired_partitions'), []);
  const keeping = await run(['--dry-run'], { DATABASE_URL: url, RETENTION_DAYS: '0' });
  t.match(keeping, { status: 0, out: /shown for ever/ });
  t.notMatch(keeping.out, /long_ago/);
});

t.test('help says what there is, and what cannot be read asks for help', async (t) => {
  t.match(await run(['--help'], {}), { status: 0, out: /--dry-run/, err: '' });
  t.match(await run(['--delete-all'], {}), { status: 1, out: '', err: /--dry-run/ });
  t.match(await run(['--dry-run'], {}), { status: 1, err: /DATABASE_URL/ });
  t.match(await run(['reapply'], {}), { status: 1, err: /NATS_NKEY_SEED/ });
  t.match(await run(['reapply', '--dry-run'], {}), { status: 1, out: '', err: /reapply/ });
});
