import { OPERATIONS } from '../api/operations.ts';
import { entityTagOf, isTagKnown } from '../assets/entity-tag.ts';
import type { HttpAnswer, HttpCall } from '../rest/http-call.ts';
import { JSON_HEADER } from '../rest/http-errors.ts';
import { ROUTES } from '../rest/routes.ts';
import { asyncApiOf } from './asyncapi.ts';
import { openApiOf } from './openapi.ts';
import { createSocketPage } from './socket-page.ts';

type Header = readonly [string, string];
type Document = { headers: readonly Header[]; etag: string; bytes: Buffer };

const NOT_MODIFIED = 304;

/**
 * Serves `/openapi.json`, `/asyncapi.json` and `/docs/socket`. All three are made once, from
 * the tables that the doors serve, so the documents describe each operation and nothing else.
 */
export class Documents {
  readonly #documents: ReadonlyMap<string, Document>;

  constructor() {
    const openApi = openApiOf(ROUTES);
    const asyncApi = asyncApiOf(OPERATIONS);
    const { html, headers } = createSocketPage(asyncApi);
    this.#documents = new Map([
      ['/openapi.json', documentOf(JSON.stringify(openApi), [JSON_HEADER])],
      ['/asyncapi.json', documentOf(JSON.stringify(asyncApi), [JSON_HEADER])],
      ['/docs/socket', documentOf(html, headers)],
    ]);
  }

  has(path: string): boolean {
    return this.#documents.has(path);
  }

  /** Answers a GET. The path must be one that this class has. */
  answer({ path, ifNoneMatch }: HttpCall): HttpAnswer {
    const { headers, etag, bytes } = this.#documents.get(path) as Document;
    if (isTagKnown(ifNoneMatch, etag)) return { status: NOT_MODIFIED, headers, body: '' };
    return { status: 200, headers, body: bytes };
  }
}

function documentOf(text: string, headers: readonly Header[]): Document {
  const bytes = Buffer.from(text);
  const etag = entityTagOf(bytes);
  const cached: Header[] = [
    ['ETag', etag],
    ['Cache-Control', 'no-cache'],
    ['X-Content-Type-Options', 'nosniff'],
  ];
  return { headers: [...headers, ...cached], etag, bytes };
}
