import type { ConversationId, MessageId } from '../../../shared/ids.ts';
import type { ContentKey } from '../content/content-keys.ts';
import { seal } from '../content/sealed-text.ts';
import { contentKeys } from './store-stage.ts';

type Sql = (text: string, values?: unknown[]) => Promise<unknown>;
type Written = {
  place: { conversation_id: ConversationId; message_id: MessageId };
  content: string;
  metadata?: object | undefined;
  /** The first one encrypts. */
  keys?: readonly ContentKey[];
};

/** The message gets these texts as stores wrote them before conversations had keys. */
export async function writeAsBefore(
  sql: Sql,
  { place, content, metadata, keys = contentKeys }: Written,
): Promise<void> {
  const [{ id, key }] = keys as [ContentKey];
  const { conversation_id, message_id } = place;
  const sealed = (plain: string, field: 'content' | 'metadata'): Buffer =>
    seal(plain, { key, place: `${conversation_id}/${message_id}/${field}` });
  await sql(
    `update messages set content = $2, metadata = $3, key_id = $4
      where message_id = $1 and deleted_at is null`,
    [
      message_id,
      sealed(content, 'content'),
      metadata === undefined ? null : sealed(JSON.stringify(metadata), 'metadata'),
      id,
    ],
  );
}
