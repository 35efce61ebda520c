import type { Kysely } from 'kysely';
import type { UserId } from '../../../shared/ids.ts';
import type { ExportItem } from '../../../shared/protocol/export-shapes.ts';
import type { ContentCiphers } from '../content/content-ciphers.ts';
import type { Database } from '../database/schema.ts';
import type { ExportPlace } from './export-place.ts';

/** An export that stops after a step goes on behind `place`. A step may have found nothing. */
export type ExportStep = { item?: ExportItem; place: ExportPlace };

/** The steps of the export of a person need these. */
export type ExportDeps = { db: Kysely<Database>; ciphers: ContentCiphers; userId: UserId };
