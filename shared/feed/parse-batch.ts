import type { FeedBatch } from '../contracts/feed.ts';
import { parseJson } from '../nats/parse-json.ts';

const TEXTS = ['kind', 'event_id', 'at', 'conversation_id'] as const;

/** Reads a batch of the feed. Throws if the bytes are no JSON, or JSON of another shape. */
export function parseBatch(bytes: Uint8Array): FeedBatch {
  const batch: unknown = parseJson(bytes);
  if (!isObject(batch) || !isTime(batch.owed_from) || !isListOf(batch.events, isEvent)) {
    throw new Error('not the shape of a batch');
  }
  return batch as FeedBatch;
}

function isEvent(value: unknown): boolean {
  if (!isObject(value) || !isListOf(value.recipients, isRecipient)) return false;
  return TEXTS.every((name) => typeof value[name] === 'string');
}

function isRecipient(value: unknown): boolean {
  return isObject(value) && typeof value.user_id === 'string';
}

/** Readers compare times as texts, so each time has this one form. */
function isTime(value: unknown): boolean {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return !Number.isNaN(ms) && new Date(ms).toISOString() === value;
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
