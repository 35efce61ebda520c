import Type, { type Static, type TObject } from 'typebox';
import type { MessageUpdate } from '../contracts/messages.ts';
import type { UserId } from '../ids.ts';
import { messageUpdatedFields } from '../protocol/shapes.ts';
import { compileValidator } from '../protocol/validator.ts';
import { audienceOf } from './audience.ts';
import type { DurableEvent } from './durable-event.ts';

/** The payload names the change and the version of the message that it made. */
const Payload = Type.Object({
  change: messageUpdatedFields.change,
  version: Type.Integer(),
  changed_at: Type.String(),
});

type Data = {
  update: MessageUpdate;
  /** Routers of the version before read this and not `at`. */
  changed_at: string;
};

/**
 * A message was edited, deleted or reacted to. The event goes to all who can see the message: a
 * participant who joined later reads a shared history from Postgres, but its updates must be sent.
 */
export const MESSAGE_UPDATED = {
  of: 'message',
  payload: compileValidator(Payload),
  load({ payload }, { participants, message }) {
    if (message === undefined) return undefined;
    const user_ids = audienceOf(participants, { of: 'seers', seq: message.seq });
    const { changed_at } = payload;
    return { user_ids, at: changed_at, update: message.update(payload), changed_at };
  },
  names: 'nobody',
  /** The field `mine` differs by user, so each user who has reacted has a body of their own. */
  bodies({ update }) {
    const reactors = new Set(update.reactions.flatMap(({ user_ids }) => user_ids));
    const own = new Map([...reactors].map((userId) => [userId, shownTo(userId, update)]));
    return { all: shownTo(undefined, update), own };
  },
  facts: ({ update: { change, seq, version } }) => ({ change, seq, version }),
  fields: messageUpdatedFields,
  summary: 'A message was edited, deleted or reacted to',
} satisfies DurableEvent<typeof Payload, Data, 'nobody'>;

function shownTo(
  viewer: UserId | undefined,
  { reactions, ...rest }: MessageUpdate,
): Static<TObject<typeof messageUpdatedFields>> {
  if (rest.deleted_at !== undefined) return rest;
  return {
    ...rest,
    reactions: reactions.map(({ emoji, user_ids }) => ({
      emoji,
      count: user_ids.length,
      mine: viewer !== undefined && user_ids.includes(viewer),
    })),
  };
}
