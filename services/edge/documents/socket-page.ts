import { createHash } from 'node:crypto';
import { asyncApiIndex, asyncApiView } from './asyncapi-view.ts';
import { type Html, html } from './markup.ts';
import { PAGE_STYLE } from './page-style.ts';
import type { Json } from './schema-text.ts';
import { schemaView } from './schema-view.ts';

type Header = readonly [string, string];

/**
 * Makes a page of the socket's document, for people. The viewers of AsyncAPI evaluate text as
 * script, which no strict policy allows, so the page is made here. It has no scripts.
 */
export function createSocketPage(asyncApi: Json): { html: string; headers: Header[] } {
  const { schemas } = asyncApi.components as { schemas: Record<string, Json> };
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kaha-chat: socket</title><link rel="icon" href="data:,">
<style>${{ html: PAGE_STYLE }}</style></head>
<body><nav aria-label="Contents"><h1>kaha.v1</h1>
<p><a href="/docs">REST</a> · <a href="/openapi.json">openapi.json</a> ·
<a href="/asyncapi.json">asyncapi.json</a></p>
<h2><a href="#socket">Socket</a></h2>${asyncApiIndex(asyncApi)}
<h2><a href="#shapes">Shapes</a></h2>${schemaIndex(schemas)}</nav>
<main><h2 id="socket">Socket</h2>${asyncApiView(asyncApi)}
<h2 id="shapes">Shapes</h2>${Object.entries(schemas).map(shapeView)}</main></body></html>
`;
  return { html: page.html, headers: HEADERS };
}

function schemaIndex(schemas: Record<string, Json>): Html {
  const items = Object.keys(schemas).map(
    (name) => html`<li><a href="#schema-${name}">${name}</a></li>`,
  );
  return html`<ul>${items}</ul>`;
}

function shapeView([name, schema]: [string, Json]): Html {
  return html`<article id="schema-${name}"><h3>${name}</h3>${schemaView(schema)}</article>`;
}

const styleHash = createHash('sha256').update(PAGE_STYLE).digest('base64');
const POLICY = [
  "default-src 'none'",
  'img-src data:',
  `style-src 'sha256-${styleHash}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
const HEADERS: Header[] = [
  ['Content-Type', 'text/html; charset=utf-8'],
  ['Content-Security-Policy', POLICY],
  ['Referrer-Policy', 'no-referrer'],
];
