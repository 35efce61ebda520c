import t from 'tap';
import type { Static } from 'typebox';
import type * as devices from '../clients/js/src/devices/index.ts';
import * as client from '../clients/js/src/index.ts';
import { BAD_TOKEN, GOING_AWAY, TOKEN_EXPIRED } from '../clients/js/src/protocol/close-codes.ts';
import { CLOSE, ERRORS, type ErrorCode } from '../shared/errors.ts';
import type { PushRegistration } from '../shared/protocol/devices/device-requests.ts';
import type { DeviceShape } from '../shared/protocol/devices/device-shapes.ts';
import type { serverFrames } from '../shared/protocol/server-frames.ts';
import type {
  ConversationShape,
  ConversationsShape,
  ErrorShape,
  HistoryShape,
  MessageSentShape,
  MessageShape,
} from '../shared/protocol/shapes.ts';

/**
 * The client writes the shapes of the contract as types of its own, because its package stands
 * alone. The compiler compares them here with the schemas: the server's shapes must have all that
 * the client's types name. A shape may get new fields before the client knows them.
 */
type Fits<Ours, Theirs> = Ours extends Theirs ? true : false;
type Frames = typeof serverFrames;
type FrameFits = {
  [Name in keyof client.ServerFrames & keyof Frames]: Fits<
    Static<Frames[Name]>,
    { type: Name } & client.ServerFrames[Name]
  >;
};

const FITS: {
  conversation: Fits<Static<typeof ConversationShape>, client.Conversation>;
  conversations: Fits<Static<typeof ConversationsShape>, client.ConversationsPage>;
  history: Fits<Static<typeof HistoryShape>, client.HistoryPage>;
  message: Fits<Static<typeof MessageShape>, client.HistoryMessage>;
  sent: Fits<Static<typeof MessageSentShape>, client.MessageSent>;
  error: Fits<Static<typeof ErrorShape>, client.WireError>;
  device: Fits<DeviceShape, devices.Device>;
  registration: Fits<devices.PushRegistration, PushRegistration>;
  code: Fits<ErrorCode, client.ServerErrorCode>;
  codeBack: Fits<client.ServerErrorCode, ErrorCode>;
} = {
  ...{ conversation: true, conversations: true, history: true, message: true, sent: true },
  ...{ error: true, code: true, codeBack: true, device: true, registration: true },
};

const FRAME_FITS: FrameFits = {
  ...{ reply: true, error: true, auth_ok: true, message: true, message_updated: true },
  ...{ conversation: true, receipt: true, unread: true, typing: true, presence: true },
  ...{ profile_updated: true, pong: true, replay_end: true, resync: true },
  ...{ token_expiring: true, going_away: true, inbox: true },
};

t.test("the client's types fit the shapes and the frames of the contract", async (t) => {
  t.ok(Object.values({ ...FITS, ...FRAME_FITS }).every(Boolean));
});

t.test('the client knows the close codes that it treats in a way of their own', async (t) => {
  const known = [GOING_AWAY, TOKEN_EXPIRED, BAD_TOKEN];
  t.same(known, [CLOSE.GOING_AWAY, CLOSE.TOKEN_EXPIRED, CLOSE.BAD_TOKEN]);
});

t.test('the client repeats what the server says may succeed later', async (t) => {
  for (const [code, { retryable }] of Object.entries(ERRORS)) {
    const { isRetryable } = new client.ChatError(code as ErrorCode, '');
    t.equal(isRetryable, retryable, code);
  }
});
