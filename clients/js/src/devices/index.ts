/** The package `@kaha/chat-client/devices` offers what this file lists. */

export type {
  Device,
  PushContent,
  PushRegistration,
  PushSubscriptionInput,
  PushWishes,
  QuietHours,
} from '../protocol/devices.ts';
export { Devices, type PushWorker } from './devices.ts';
