import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { Histogram } from '../figures/histogram.ts';

const EVERY_MS = 10;
/** The statement reads and locks what a send does, and every partition that it may need. */
const STATEMENTS = [
  `select seq from messages where conversation_id = (select gen_random_uuid())
    order by seq desc limit 1`,
  `with one as (insert into messages (conversation_id, seq, sent_at, message_id, sender_id,
      message_type, key_id)
    values (gen_random_uuid(), 1, now(), gen_random_uuid(), gen_random_uuid(), 'text', '@1')
    returning conversation_id)
  select from one`,
];

/** Times statements beside what is measured, until `stop` is called. */
export async function startProbe(databaseUrl: string) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const ms = new Histogram();
  let isStopped = false;
  const running = (async () => {
    while (!isStopped) {
      const startedAt = performance.now();
      await client.query('begin');
      for (const statement of STATEMENTS) await client.query(statement);
      await client.query('rollback');
      ms.recordMs(performance.now() - startedAt);
      await delay(EVERY_MS);
    }
    await client.end();
  })();
  return {
    async stop() {
      isStopped = true;
      await running;
      return ms.quantiles();
    },
  };
}
