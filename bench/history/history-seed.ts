import { createHash, randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { type ContentKey, parseContentKeys } from '../../services/store/content/content-keys.ts';
import { ConversationKey, wrapKey } from '../../services/store/content/conversation-key.ts';
import { keyNameOf } from '../../services/store/content/key-name.ts';
import { seal } from '../../services/store/content/sealed-text.ts';
import { weekOf } from '../../services/store/partitions/spans.ts';
import type { ConversationId, MessageId, UserId } from '../../shared/ids.ts';

type SeedOptions = {
  databaseUrl: string;
  /** The keys have the form of the store's `CONTENT_KEYS`. */
  contentKeys: string;
  messages: number;
  messagesEach: number;
  people: number;
  /** The messages are under the content key itself, as before conversations had keys. */
  isOld?: boolean;
};
export type SeededConversation = { id: ConversationId; people: [UserId, UserId]; lastSeq: number };

const BATCH = 5_000;
const CONTENT = 'What people say to each other is about as long as this. '.repeat(2);

/**
 * The statement writes messages as store does: encrypted, with their keys, in the partition of the
 * week.
 */
const INSERT_MESSAGES = `
  with rows as (
    insert into messages (conversation_id, seq, sent_at, message_id, sender_id, client_msg_id,
        message_type, content, key_id)
    select c, s, t, m, u, k, 'text', b, $8
    from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::uuid[],
      $7::bytea[]) as r (c, s, t, m, u, k, b)
    returning conversation_id, sender_id, client_msg_id, message_id, seq, sent_at)
  insert into message_keys (conversation_id, sender_id, client_msg_id, message_id, seq, sent_at)
  select conversation_id, sender_id, client_msg_id, message_id, seq, sent_at from rows`;
const INSERT_KEY = `
  insert into content_keys (conversation_id, generation, key_id, wrapped, created_at)
  values ($1, 1, $2, $3, now())`;
const INSERT_CONVERSATION = `
  insert into conversations (conversation_id, type, direct_key, last_seq, last_sent_at, created_by,
    created_at, last_activity)
  values ($1, 'direct', $2, $3, $4, $5, date_trunc('week', now()), $4)`;
const INSERT_PARTICIPANTS = `
  insert into participants (conversation_id, user_id, role, joined_at, delivered_seq, read_seq)
  select $1, u, 'member', date_trunc('week', now()), $3, $3 from unnest($2::uuid[]) as p (u)`;
const INSERT_USERS = `
  insert into users (user_id) select unnest($1::uuid[]) on conflict do nothing`;

/**
 * Fills the database up to this many messages of this week. The messages of an earlier run stay.
 */
export async function seedHistory(
  options: SeedOptions,
  tell: (line: string) => void,
): Promise<SeededConversation[]> {
  const client = new pg.Client({ connectionString: options.databaseUrl });
  await client.connect();
  try {
    const people = Array.from({ length: options.people }, (_, index) => personOf(index));
    await client.query(INSERT_USERS, [people]);
    const conversations = await seededBefore(client, people);
    const seed = createSeed(options, client);
    let count = conversations.reduce((sum, { lastSeq }) => sum + lastSeq, 0);
    while (count < options.messages) {
      const pair = pairOf(people, conversations.length);
      conversations.push(await seed(pair));
      count += options.messagesEach;
      if (conversations.length % 50 === 0) tell(`${count} of ${options.messages} messages`);
    }
    tell('analyzing');
    await client.query('vacuum (analyze) messages, message_keys, conversations, participants');
    return conversations;
  } finally {
    await client.end();
  }
}

/** Each conversation is written in one transaction, so a conversation that exists is complete. */
function createSeed(options: SeedOptions, client: pg.Client) {
  const { contentKeys, messagesEach, isOld = false } = options;
  const [contentKey] = parseContentKeys(contentKeys).keys;
  if (contentKey === undefined) throw new Error('no content key');
  return async (people: [UserId, UserId]): Promise<SeededConversation> => {
    const id = randomUUID() as ConversationId;
    const times = timesOf(messagesEach);
    await client.query('begin');
    await client.query(INSERT_CONVERSATION, [
      ...[id, `bench:${id}`, messagesEach, times.at(-1), people[0]],
    ]);
    await client.query(INSERT_PARTICIPANTS, [id, people, messagesEach]);
    const { id: keyId, key } = isOld ? contentKey : await makeKey(client, id, contentKey);
    for (let from = 0; from < messagesEach; from += BATCH) {
      const seqs = times.slice(from, from + BATCH).map((_, index) => from + index + 1);
      const ids = seqs.map(() => randomUUID() as MessageId);
      const sealed = ids.map((message_id) =>
        seal(CONTENT, { key, place: `${id}/${message_id}/content` }),
      );
      await client.query(INSERT_MESSAGES, [
        ...[seqs.map(() => id), seqs, times.slice(from, from + BATCH), ids],
        ...[seqs.map((seq) => people[seq % 2]), seqs.map(() => randomUUID()), sealed],
        keyId,
      ]);
    }
    await client.query('commit');
    return { id, people, lastSeq: messagesEach };
  };
}

/** The conversation gets a key of its own. Texts name it by this id. */
async function makeKey(
  client: pg.Client,
  conversation_id: ConversationId,
  contentKey: ContentKey,
): Promise<ContentKey> {
  const place = { conversation_id, generation: 1 };
  const own = randomBytes(32);
  const wrapped = wrapKey(own, contentKey.key, place);
  await client.query(INSERT_KEY, [conversation_id, contentKey.id, wrapped]);
  const key = new ConversationKey(place, own, '').keyFor('content');
  return { id: keyNameOf(place.generation), key };
}

const SEEDED_BEFORE = `
  select c.conversation_id as id, c.last_seq, array_agg(p.user_id) as people
  from conversations c join participants p using (conversation_id)
  where c.direct_key like 'bench:%' and c.created_by = any ($1)
  group by 1, 2`;

type SeededRow = { id: ConversationId; last_seq: string; people: [UserId, UserId] };

async function seededBefore(client: pg.Client, people: UserId[]): Promise<SeededConversation[]> {
  const { rows } = await client.query<SeededRow>(SEEDED_BEFORE, [people]);
  return rows.map(({ id, last_seq, people: two }) => ({
    id,
    people: two,
    lastSeq: Number(last_seq),
  }));
}

/** Returns times that are spread over this week until now, because its partition exists. */
function timesOf(count: number): string[] {
  const now = new Date();
  const startMs = weekOf(now.getTime()).fromMs;
  const stepMs = (now.getTime() - startMs) / (count + 1);
  return Array.from({ length: count }, (_, index) =>
    new Date(startMs + Math.floor((index + 1) * stepMs)).toISOString(),
  );
}

function pairOf(people: readonly UserId[], index: number): [UserId, UserId] {
  const one = index % people.length;
  const other =
    (one + 1 + (Math.floor(index / people.length) % (people.length - 1))) % people.length;
  return [people[one] as UserId, people[other] as UserId];
}

function personOf(index: number): UserId {
  const hex = createHash('sha256').update(`history:${index}`).digest('hex');
  const [a, b, c, d, e] = [
    [0, 8],
    [8, 12],
    [13, 16],
    [17, 20],
    [20, 32],
  ].map(([from, to]) => hex.slice(from, to));
  return `${a}-${b}-4${c}-8${d}-${e}` as UserId;
}
