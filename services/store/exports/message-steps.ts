import type { ExportItem } from '../../../shared/protocol/export-shapes.ts';
import type { ContentCipher } from '../content/content-cipher.ts';
import { type MessageRow, openContent, openMetadata } from '../records/message-row.ts';
import { present } from '../records/present.ts';
import { VERSION_MAX } from './export-place.ts';
import type { Conversation } from './export-rows.ts';
import type { ExportDeps, ExportStep } from './export-step.ts';
import { type Revision, scanMessages, selectRevisions } from './message-rows.ts';

/** The message with this `seq` was told, and its earlier texts up to `version`. */
export type Behind = { seq: number; version: number };
type Steps = AsyncGenerator<ExportStep, void>;

/**
 * The steps tell what the person wrote in a conversation, by `seq`, and behind each message its
 * earlier texts. One step passes up to 2000 messages of others. What retention hides is left out.
 */
export async function* messageSteps(
  deps: ExportDeps,
  { conversation_id, first_seq }: Conversation,
  behind: Behind,
): Steps {
  for (let from = behind; ; ) {
    const seq = Math.max(from.seq, first_seq);
    const { rows, until } = await scanMessages(deps, { conversation_id, seq });
    const cipher = await deps.ciphers.open(rows);
    for (const row of rows) {
      const isTold = row.seq === from.seq;
      if (!isTold) yield toldStep(row, cipher);
      if (hasRevisions(row)) yield* revisionSteps(deps, row, isTold ? from.version : 0);
    }
    if (until === undefined) return;
    from = { seq: until, version: VERSION_MAX };
    yield { place: { list: 'conversations', id: conversation_id, ...from } };
  }
}

function hasRevisions({ edited_at, deleted_at }: MessageRow): boolean {
  return edited_at !== null || deleted_at !== null;
}

function toldStep(row: MessageRow, cipher: ContentCipher): ExportStep {
  const { conversation_id, seq } = row;
  const place = { list: 'conversations', id: conversation_id, seq, version: 0 } as const;
  return { item: toItem(row, cipher), place };
}

async function* revisionSteps(deps: ExportDeps, row: MessageRow, after: number): Steps {
  const { conversation_id, message_id, seq } = row;
  for (let version = after; ; ) {
    const found = await selectRevisions(deps, { message_id, version });
    const last = found.at(-1);
    if (last === undefined) return;
    const revisions = found.map((one) => ({ ...one, conversation_id, message_id }));
    const cipher = await deps.ciphers.open(revisions);
    for (const revision of revisions) {
      const behind = { seq, version: revision.version };
      const place = { list: 'conversations', id: conversation_id, ...behind } as const;
      yield { item: toEarlierText(revision, cipher), place };
    }
    version = last.version;
  }
}

function toItem(row: MessageRow, cipher: ContentCipher): ExportItem {
  const { message_id, conversation_id, seq, message_type, sent_at } = row;
  const optional = ['client_msg_id', 'reply_to', 'edited_at', 'deleted_at'] as const;
  const said = row.deleted_at === null ? textOf(row, cipher) : {};
  const rest = present(row, optional);
  return {
    kind: 'message',
    message_id,
    conversation_id,
    seq,
    message_type,
    ...said,
    sent_at,
    ...rest,
  };
}

type Said = { content?: string; metadata?: Record<string, unknown> };

/** A text that is not there, or cannot be read, is absent. */
function textOf(row: MessageRow, { tryDecrypt }: ContentCipher): Said {
  const content = row.content === null ? undefined : openContent(row, tryDecrypt);
  const metadata = openMetadata(row, tryDecrypt);
  return {
    ...(content !== undefined && { content }),
    ...(metadata !== undefined && { metadata: JSON.parse(metadata) }),
  };
}

type EarlierText = Revision & Pick<MessageRow, 'conversation_id' | 'message_id'>;

/**
 * A text that could not be read when it was replaced is still encrypted for the place of the
 * message, and any other one for the place of its version.
 */
function toEarlierText(row: EarlierText, cipher: ContentCipher): ExportItem {
  const { conversation_id, message_id, version, key_id, replaced_at } = row;
  const open = (sealed: Buffer | null, field: 'content' | 'metadata'): string | undefined => {
    if (sealed === null) return undefined;
    const place = { conversation_id, message_id, field };
    try {
      return cipher.decrypt(sealed, key_id, { ...place, version });
    } catch {
      return cipher.tryDecrypt(sealed, key_id, place);
    }
  };
  const content = open(row.content, 'content');
  const metadata = open(row.metadata, 'metadata');
  return {
    ...{ kind: 'revision', message_id, version },
    ...(content !== undefined && { content }),
    ...(metadata !== undefined && { metadata: JSON.parse(metadata) }),
    replaced_at,
  };
}
