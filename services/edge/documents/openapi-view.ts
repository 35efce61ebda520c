import { type Html, html, inline, prose } from './markup.ts';
import type { Json } from './schema-text.ts';
import { rowView, schemaView, typeView } from './schema-view.ts';

type Content = { content?: Record<string, { schema?: Json }> };
type Parameter = {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Json;
};
type Answer = Content & { $ref?: string; description?: string };
type Operation = {
  operationId: string;
  summary: string;
  tags: string[];
  parameters?: Parameter[];
  requestBody?: Content & { required: boolean };
  responses: Record<string, Answer>;
};
type Call = { path: string; method: string; operation: Operation };

/** Makes the part of the page's index that links to the REST calls. */
export function openApiIndex(document: Json): Html {
  const items = callsOf(document).map(({ method, path, operation }) => {
    const text = html`<b class="${method}">${method}</b><span>${shortOf(path)}</span>`;
    return html`<li><a href="#${operation.operationId}">${text}</a></li>`;
  });
  return html`<ul>${items}</ul>`;
}

/**
 * Shortens each id in a path to `{id}`. A reader can still tell two ids apart by the words before
 * them.
 */
function shortOf(path: string): string {
  return path.replace(/\{\w*_id\}/g, '{id}');
}

export function openApiView(document: Json): Html {
  const { description } = document.info as { description: string };
  const calls = callsOf(document).map(callView);
  return html`${prose(description)}${calls}<h3 id="errors">Errors</h3>${errorsView(document)}`;
}

function callView({ method, path, operation }: Call): Html {
  const { operationId, summary, parameters = [], requestBody, responses } = operation;
  const answers = Object.entries(responses);
  const errors = answers.filter(([, { $ref }]) => $ref !== undefined).map(([status]) => status);
  return html`<article id="${operationId}">
<h3><b class="${method}">${method}</b> <span class="path">${path}</span></h3>
<p>${inline(summary)}</p>
${parameters.length > 0 && parametersView(parameters)}
${requestBody !== undefined && bodyView(requestBody)}
<h4>Answers</h4>
${answers.filter(([, { $ref }]) => $ref === undefined).map(answerView)}
${errors.length > 0 && errorLink(errors)}
</article>`;
}

function answerView([status, answer]: [string, Answer]): Html {
  const shown = Object.values(answer.content ?? {})[0]?.schema;
  const type = shown === undefined ? '' : html`: ${typeView(shown)}`;
  return html`<p><b class="status">${status}</b> ${inline(answer.description ?? '')}${type}</p>`;
}

function parametersView(parameters: readonly Parameter[]): Html {
  const rows = parameters.map(({ name, in: place, required, description, schema }) => {
    const shown = html`${place}: ${typeView(schema)}`;
    return rowView({ name, shown, isRequired: required === true, note: description });
  });
  return html`<h4>Parameters</h4><table><tbody>${rows}</tbody></table>`;
}

function bodyView(body: Content & { required: boolean }): Html {
  return html`<h4>Body${!body.required && ' (may be absent)'}</h4>${contentView(body)}`;
}

function errorLink(statuses: readonly string[]): Html {
  return html`<p class="quiet"><a href="#errors">Errors</a>: ${statuses.join(', ')}</p>`;
}

function contentView({ content = {} }: Content): Html {
  const { schema } = Object.values(content)[0] ?? {};
  return schema === undefined ? html`` : schemaView(schema);
}

function errorsView(document: Json): Html {
  const { responses } = document.components as {
    responses: Record<string, { description: string }>;
  };
  const rows = Object.entries(responses).map(([status, { description }]) => {
    const head = html`<th scope="row"><b class="status">${status}</b></th>`;
    return html`<tr>${head}<td>${inline(description)}</td></tr>`;
  });
  return html`<p>Body of each, and the same in the socket's <code>error</code>:
<code>{"error": <a href="#schema-Error">Error</a>}</code></p><table><tbody>${rows}</tbody></table>`;
}

function callsOf(document: Json): Call[] {
  const paths = document.paths as Record<string, Record<string, Operation>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => method !== 'servers')
      .map(([method, operation]) => ({ path, method, operation })),
  );
}
