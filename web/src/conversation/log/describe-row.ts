import type { ShownMessage } from '../../../../clients/js/src/index.ts';
import { actionsOf } from '../message/message-actions.ts';
import type { RowProps } from '../message/row-view.tsx';
import { isAutomaticReply, systemText } from '../message/system-text.ts';
import type { PersonOf } from '../people.ts';

export type Viewer = {
  userId: string;
  canWrite: boolean;
  isAdmin: boolean;
  personOf: PersonOf;
};

type Described = Pick<
  RowProps,
  'isOwn' | 'senderName' | 'avatarUrl' | 'quotedName' | 'systemText' | 'actionNames' | 'canReact'
>;

/** Says of a message what depends on who looks at it, in plain values that `===` compares. */
export function describeRow(message: ShownMessage, viewer: Viewer): Described {
  const { userId, canWrite, personOf } = viewer;
  const { sender_id: senderId, reply_to: quoted, message_id: id, deleted_at: deletedAt } = message;
  const nameOf = (one: string): string => personOf(one).name;
  const { name, avatarUrl } = personOf(senderId);
  const isSystem = message.message_type === 'system';
  const isSaid = isSystem && !isAutomaticReply(message);
  return {
    isOwn: senderId === userId && !isSystem,
    senderName: name,
    avatarUrl,
    quotedName: quoted && (quoted.sender_id === userId ? 'You' : nameOf(quoted.sender_id)),
    systemText: isSaid ? systemText(message, { userId, nameOf }) : undefined,
    actionNames: actionsOf(message, viewer).join(' '),
    canReact: canWrite && !isSystem && id !== undefined && deletedAt === undefined,
  };
}
