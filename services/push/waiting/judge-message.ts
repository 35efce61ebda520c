import type {
  PushDevice,
  PushFacts,
  PushMessage,
} from '../../../shared/contracts/pushes/push-facts.ts';
import type { UserId } from '../../../shared/ids.ts';
import { isQuiet } from './quiet-hours.ts';

/** The feed has told this of a message and of one of its recipients. */
export type Told = {
  userId: UserId;
  seq: number;
  /** The message was sent at this time, in milliseconds since 1970. */
  sentAtMs: number;
  /** These devices of the user took it. */
  taken: ReadonlySet<string>;
  /** The feed has said who took it. Store, which tells of it after a gap, does not know. */
  isTold: boolean;
  /** One of them was in use then. */
  isInUse: boolean;
  /** The user has read up to here, as far as the feed has told. */
  readSeq: number;
};

/** These are the reasons for which a device gets no alert of a message. They label a metric. */
export type Spared =
  /** The device has it. */
  | 'taken'
  /** A device of the user has it, and nobody can say which. */
  | 'perhaps_taken'
  /** Another device has it, and somebody was using that device. */
  | 'in_use'
  | 'read'
  | 'muted'
  | 'quiet'
  /** The message was deleted, or the user cannot see it any more. */
  | 'deleted'
  /** A system message says who came or went, or the like. */
  | 'system'
  | 'own'
  /** The message is a day old. */
  | 'old'
  /** The device is not registered any more, or the user takes no part any more. */
  | 'unregistered';

/** No push lives longer than this after its message was sent. */
export const LIFE_MS = 86_400_000;

/**
 * Judges whether a device is due an alert of the message at this moment, and returns the message as
 * it is now, or why not. Everything that can change is in `facts`, which are asked for each time.
 */
export function judgeMessage(
  told: Told,
  { facts, device, wallMs }: { facts: PushFacts; device: PushDevice; wallMs: number },
): PushMessage | Spared {
  if (told.taken.has(device.device_id)) return 'taken';
  if (told.isInUse) return 'in_use';
  if (!told.isTold && told.seq <= facts.delivered_seq) return 'perhaps_taken';
  if (told.seq <= Math.max(told.readSeq, facts.read_seq)) return 'read';
  if (wallMs >= told.sentAtMs + LIFE_MS) return 'old';
  const message = facts.messages.find(({ seq }) => seq === told.seq);
  if (message === undefined) return 'deleted';
  if (message.sender_id === told.userId) return 'own';
  if (message.message_type === 'system' && message.concerns_user === undefined) return 'system';
  if (facts.is_muted) return 'muted';
  const { quiet_hours: hours } = device;
  return hours !== undefined && isQuiet(hours, wallMs) ? 'quiet' : message;
}
