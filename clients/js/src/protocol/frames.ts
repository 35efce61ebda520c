import type { WireError } from './shapes.ts';

/** The client asks with a frame of some type. */
export type Request = { type: string } & Record<string, unknown>;
/** The answer to a request has the data, or an error. */
export type Answer = { id?: string | number; data?: unknown; error?: WireError };

/** A tab watches what it shows. The key is `user`, `business` or `inbox`, a colon, and an id. */
export type WatchKey = `${'user' | 'business' | 'inbox'}:${string}`;
