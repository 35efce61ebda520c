import { chaptersOf, type Html, html, inline, prose } from './markup.ts';
import type { Json } from './schema-text.ts';
import { schemaView } from './schema-view.ts';

type Ref = { $ref: string };
type Operation = {
  action: 'receive' | 'send';
  summary: string;
  messages: Ref[];
  reply?: { messages: Ref[] };
};
type Message = { name: string; payload: Json; examples: { payload: Json }[] };
type Named = { name: string; operation: Operation };

export function asyncApiIndex(document: Json): Html {
  const item = ({ name }: Named): Html =>
    html`<li><a href="#frame-${name}">${typeOf(name)}</a></li>`;
  const chapters = chaptersOf(aboutOf(document)).map(
    ({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`,
  );
  return html`<ul>${chapters}</ul>
<h3>Client sends</h3><ul>${operationsOf(document, 'receive').map(item)}</ul>
<h3>Server sends</h3><ul>${operationsOf(document, 'send').map(item)}</ul>`;
}

export function asyncApiView(document: Json): Html {
  const view = (named: Named): Html => frameView(document, named);
  return html`${prose(aboutOf(document))}
${operationsOf(document, 'receive').map(view)}${operationsOf(document, 'send').map(view)}`;
}

function frameView(document: Json, { name, operation }: Named): Html {
  const { action, summary, messages, reply } = operation;
  const sent = messages.map((ref) => messageOf(document, ref));
  const payloads = sent.map(({ payload }) => schemaView(payload));
  const answers = (reply?.messages ?? []).map((ref) => messageOf(document, ref));
  const sender = action === 'receive' ? 'client' : 'server';
  return html`<article id="frame-${name}">
<h3><b class="${action}">${sender}</b> <span class="path">${typeOf(name)}</span></h3>
<p>${inline(summary)}.</p>${payloads}${sent.map(examplesView)}
${answers.length > 0 && html`<h4>Answer</h4>${answers.map(answerView)}`}
</article>`;
}

/** An error has the same shape everywhere, so a link to the shape is enough. */
function answerView(message: Message): Html {
  const { name, payload } = message;
  if (name === 'error')
    return html`<p>or <code>error</code> with <a href="#schema-Error">Error</a></p>`;
  return html`${schemaView(payload)}${examplesView(message)}`;
}

function examplesView({ examples }: Message): Html {
  const texts = examples.map(({ payload }) => JSON.stringify(payload, null, 2));
  return html`<details><summary>Example</summary>${texts.map(exampleView)}</details>`;
}

function exampleView(text: string): Html {
  return html`<pre>${text}</pre>`;
}

function aboutOf({ info }: Json): string {
  return (info as { description: string }).description;
}

/**
 * Returns the type of a frame. An event's operation has the prefix `event_`, because a frame of the
 * client may have the same type.
 */
function typeOf(name: string): string {
  return name.replace(/^event_/, '');
}

function operationsOf(document: Json, action: Operation['action']): Named[] {
  return Object.entries(document.operations as Record<string, Operation>)
    .map(([name, operation]) => ({ name, operation }))
    .filter(({ operation }) => operation.action === action);
}

function messageOf(document: Json, { $ref }: Ref): Message {
  const { messages } = document.components as { messages: Record<string, Message> };
  return messages[$ref.slice($ref.lastIndexOf('/') + 1)] as Message;
}
