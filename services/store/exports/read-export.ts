import type { Kysely } from 'kysely';
import type { ExportAsked } from '../../../shared/contracts/store-ops.ts';
import { newId, type UserId } from '../../../shared/ids.ts';
import { steadyMs } from '../../../shared/process/clock.ts';
import type { ExportItem, ExportShape } from '../../../shared/protocol/export-shapes.ts';
import { LIMITS } from '../../../shared/protocol/limits.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import { decodePlace, type ExportPlace, encodePlace, FIRST_PLACE } from './export-place.ts';
import type { ExportStep } from './export-step.ts';
import { exportSteps } from './export-steps.ts';
import { recordPage } from './record-page.ts';

type Deps = { db: Kysely<Database>; ciphers: ContentCiphers };

/** A page also has its cursor, and the names of its fields. */
const ITEMS_BYTES_MAX = LIMITS.pageBytesMax - 512;
const ITEMS_MAX = 1_000;
/** A page that has looked for this long is answered as it is, perhaps empty. */
const PAGE_MS = 500;

/**
 * `users.export` returns a page of what a person wrote: see `ExportPlace` for the order. An export
 * has once each what was there when it began and is there when its page is read; what comes
 * meanwhile may be left out. Only what is shown to anybody is told, but for texts that people
 * replaced or deleted, which are told for as long as they are kept. Each page is counted in the
 * record of the export before it is answered. Refusal: INVALID_REQUEST for a cursor of another
 * person or list.
 */
export async function readExport(
  { db, ciphers }: Deps,
  { user_id, service, cursor }: ExportAsked,
): Promise<ExportShape> {
  const begin = { exportId: newId<string>(), place: FIRST_PLACE };
  const { exportId, place } = cursor === undefined ? begin : decodePlace(user_id, cursor);
  const steps = exportSteps({ db, ciphers, userId: user_id }, place);
  const page = await takeSteps(steps, place);
  await recordPage(db, {
    export_id: exportId,
    ...{ user_id, service },
    ...{ items: page.items.length, isLast: page.next === undefined },
    isFirst: cursor === undefined,
  });
  return { items: page.items, next_cursor: cursorOf(user_id, { exportId, next: page.next }) };
}

type Next = { exportId: string; next: ExportPlace | undefined };

function cursorOf(userId: UserId, { exportId, next }: Next): string | null {
  return next === undefined ? null : encodePlace(userId, { exportId, place: next });
}

/** The page ends without `next` if nothing comes behind it. It always makes a step, if any. */
async function takeSteps(
  steps: AsyncIterable<ExportStep>,
  from: ExportPlace,
): Promise<{ items: ExportItem[]; next?: ExportPlace }> {
  const endsAtMs = steadyMs() + PAGE_MS;
  const items: ExportItem[] = [];
  let bytes = 0;
  let next = from;
  for await (const { item, place } of steps) {
    if (item !== undefined) {
      bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
      if (items.length > 0 && bytes > ITEMS_BYTES_MAX) return { items, next };
      items.push(item);
    }
    next = place;
    if (items.length === ITEMS_MAX || steadyMs() > endsAtMs) return { items, next };
  }
  return { items };
}
