import type { WireError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { Session } from '../session/session.ts';

/**
 * These functions make the frames to the client, as text. They join pieces of text, and use
 * `JSON.stringify` only for what others wrote.
 */

export type RequestId = string | number;

/** An answer names its request by these. Only an error names `client_msg_id`. */
export type Asked = { id: RequestId | undefined; clientMsgId: string | undefined };

export function replyFrame(id: RequestId | undefined, data: unknown): string {
  return `{"type":"reply",${idField(id)}"data":${JSON.stringify(data)}}`;
}

export function errorFrame(asked: Asked, error: WireError): string {
  const { id, clientMsgId } = asked;
  const key = clientMsgId === undefined ? '' : `"client_msg_id":${JSON.stringify(clientMsgId)},`;
  return `{"type":"error",${idField(id)}${key}"error":${JSON.stringify(error)}}`;
}

export function authOkFrame(session: Session, id: RequestId | undefined, nowMs: number): string {
  const { userId, deviceId, sessionId, resumed } = session;
  return (
    `{"type":"auth_ok",${idField(id)}"user_id":"${userId}","device_id":"${deviceId}",` +
    `"session_id":"${sessionId}","resumed":${resumed},` +
    `"heartbeat_interval_ms":${LIMITS.heartbeatIntervalMs},` +
    `"server_time":"${new Date(nowMs).toISOString()}"}`
  );
}

export function pongFrame(id: RequestId | undefined): string {
  return id === undefined ? PONG : `{"type":"pong","id":${JSON.stringify(id)}}`;
}

export function tokenExpiringFrame(endsAt: number): string {
  return `{"type":"token_expiring","expires_at":"${new Date(endsAt).toISOString()}"}`;
}

export function goingAwayFrame(reconnectAfterMs: number): string {
  return `{"type":"going_away","reconnect_after_ms":${reconnectAfterMs}}`;
}

/** A replayed message looks like its event, without `q`. */
export function replayedFrame(message: object): string {
  return `{"type":"message",${JSON.stringify(message).slice(1)}`;
}

export const RESYNC_FRAME = '{"type":"resync"}';
const PONG = '{"type":"pong"}';

function idField(id: RequestId | undefined): string {
  if (id === undefined) return '';
  return typeof id === 'number' ? `"id":${id},` : `"id":${JSON.stringify(id)},`;
}
