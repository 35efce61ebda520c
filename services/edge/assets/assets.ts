import type { HttpAnswer, HttpCall } from '../rest/http-call.ts';
import { chooseEncoding, ENCODINGS, type Encoding } from './choose-encoding.ts';
import { entityTagOf, isTagKnown } from './entity-tag.ts';

type Header = readonly [string, string];

/** A file that an edge serves from its memory. */
export type Asset = {
  /** The address has this path, as `/assets/page.js`. */
  path: string;
  type: string;
  bytes: Buffer;
  /** The same bytes are also here in these forms. */
  compressed: Readonly<Partial<Record<Encoding, Buffer>>>;
  /** The path names these bytes alone, so a client may keep them for ever. */
  isImmutable: boolean;
  headers: readonly Header[];
};

type Form = { bytes: Buffer; etag: string; headers: readonly Header[] };
type Served = { plain: Form; compressed: ReadonlyMap<Encoding, Form> };

const FOR_EVER = 'public, max-age=31536000, immutable';
const OK = 200;
const NOT_MODIFIED = 304;

/**
 * Serves files from memory, each in the form that suits the client. Only the paths that are known
 * from the start lead anywhere, so no path leads to another file of the machine.
 */
export class Assets {
  readonly #served: ReadonlyMap<string, Served>;

  constructor(assets: readonly Asset[]) {
    this.#served = new Map(assets.map((asset) => [asset.path, servedOf(asset)]));
  }

  has(path: string): boolean {
    return this.#served.has(path);
  }

  /** Answers a GET. The path must be one that this class has. */
  answer({ path, acceptEncoding, ifNoneMatch }: HttpCall): HttpAnswer {
    const { plain, compressed } = this.#served.get(path) as Served;
    const encoding = chooseEncoding(acceptEncoding, [...compressed.keys()]);
    const { bytes, etag, headers } = (encoding && compressed.get(encoding)) ?? plain;
    if (isTagKnown(ifNoneMatch, etag)) return { status: NOT_MODIFIED, headers, body: '' };
    return { status: OK, headers, body: bytes };
  }
}

function servedOf(asset: Asset): Served {
  const compressed = ENCODINGS.flatMap((encoding) => {
    const bytes = asset.compressed[encoding];
    return bytes ? [[encoding, formOf(asset, bytes, encoding)] as const] : [];
  });
  return { plain: formOf(asset, asset.bytes), compressed: new Map(compressed) };
}

function formOf({ type, isImmutable, headers }: Asset, bytes: Buffer, encoding?: Encoding): Form {
  const etag = entityTagOf(bytes);
  const own: Header[] = [
    ['Content-Type', type],
    ['ETag', etag],
    ['Cache-Control', isImmutable ? FOR_EVER : 'no-cache'],
    ['Vary', 'Accept-Encoding'],
    ['X-Content-Type-Options', 'nosniff'],
  ];
  if (encoding !== undefined) own.push(['Content-Encoding', encoding]);
  return { bytes, etag, headers: [...own, ...headers] };
}
