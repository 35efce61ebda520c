import t from 'tap';
import { type EdgeProxy, setProxies, WITHOUT_PROXIES } from '../dev/testing/proxies.ts';
import { isSoak } from '../dev/testing/test-servers.ts';
import { type CorpusRequest, httpCorpus } from '../services/edge/stage/http-corpus.ts';
import { askRaw } from '../services/edge/stage/raw-http.ts';
import { forEachBounded } from '../shared/concurrency/for-each-bounded.ts';
import { newId } from '../shared/ids.ts';
import { edgePlaces } from './proxies/proxied-edges.ts';
import { numbers } from './stage/numbers.ts';
import { shareStack } from './stage/stack.ts';

/** The corpus of requests that edges are tested with comes through nginx and HAProxy. */
const system = await shareStack(t);
const proxies = await setProxies(t, { edges: edgePlaces(system) });

/** Each request is cut at so many places, once at each. */
const CUTS = isSoak ? 48 : 3;
const CONNECTIONS_MAX = 32;
/** This request follows each other one on its connection. */
const LAST = 'GET /api/v1/last HTTP/1.1\r\nHost: x\r\n\r\n';
const LAST_STATUS = 404;
const TOO_LARGE = 413;
/** Proxies and edges refuse requests by these, and nothing is carried out. */
const REFUSALS = [400, 405, 408, 413, 415, 422, 431, 501, 505];
/** A proxy mends these requests, so they are carried out. */
const MENDED: Readonly<Record<string, number>> = { 'HTTP/1.0': 404, 'a length and chunks': 401 };

type Played = { request: CorpusRequest; pieces: string[]; proxy: EdgeProxy; came: number[] };

/** Returns the pieces of a text that is cut at this share of its length. */
function cutAt(text: string, share: number): string[] {
  const at = Math.floor(text.length * share);
  return at === 0 ? [text] : [text.slice(0, at), text.slice(at)];
}

/** Resolves with the problems of a request that came in these pieces, if there are any. */
async function play(
  { request, pieces, proxy, came }: Played,
  isStored: (key: string) => Promise<boolean>,
): Promise<string[]> {
  const { statuses, statusesInPieces = statuses, keys, isHead = false } = request;
  // nginx reads on for 5 s after it has refused a large body, so nothing else is awaited then.
  const wanted = statuses.includes(TOO_LARGE) ? 1 : statuses.length + 1;
  const asked = { pieces: [...pieces, LAST], answers: wanted, isHead };
  const { answers, rest } = await askRaw(proxy.port, asked);
  came.push(...answers.map(({ status }) => status));
  const told = answers
    .filter(({ status }) => status === 201)
    .map(({ body }) => JSON.parse(body).client_msg_id as string);
  const problems: string[] = [];
  for (const key of keys) {
    if ((await isStored(key)) !== told.includes(key)) problems.push('a send is told of wrongly');
  }
  const ends = [statuses, statusesInPieces, [MENDED[request.name] ?? LAST_STATUS]];
  const isWhole = ends.some((all) => startsWith([...all, LAST_STATUS], came));
  const isRefused = REFUSALS.includes(came[0] as number);
  if (came.length === 0 || !(isWhole || isRefused)) problems.push(`it is answered ${came}`);
  if (came[0] !== 101 && rest !== '') problems.push(`${rest.length} bytes are no answer`);
  return problems.map(
    (problem) => `${proxy.name}, ${request.name} in ${pieces.length}: ${problem}`,
  );
}

function startsWith(all: readonly number[], start: readonly number[]): boolean {
  return start.length > 0 && start.every((status, index) => all[index] === status);
}

const skip = proxies === undefined && WITHOUT_PROXIES;

t.test('a proxy mends an odd name and chunks with extensions', { skip }, async (t) => {
  const [ann, bob] = await system.people(2);
  const conversationId = await system.conversation([ann, bob]);
  const head = [
    `POST /api/v1/conversations/${conversationId}/messages HTTP/1.1`,
    ...['Host: x', `Authorization: Bearer ${ann.token}`],
  ];
  for (const proxy of proxies ?? []) {
    const contents = [`${proxy.name} name`, `${proxy.name} chunk`];
    const [named, chunked] = contents.map((content) =>
      JSON.stringify({ client_msg_id: newId(), content }),
    ) as [string, string];
    const requests = [
      [...head, 'x_odd: y', `Content-Length: ${named.length}`, '', named],
      [
        ...[...head, 'Transfer-Encoding: chunked', ''],
        ...[`${chunked.length.toString(16)};a=b`, chunked, '0;c', '', ''],
      ],
    ];
    for (const lines of requests) {
      const asked = { pieces: [lines.join('\r\n')], answers: 1 };
      const { answers } = await askRaw(proxy.port, asked);
      t.equal(answers[0]?.status, 201, `${proxy.name}: ${lines[3]}`);
    }
    const history = await system.history(ann, conversationId);
    t.same(
      history.slice(-2).map(({ content }) => content),
      contents,
    );
  }
});

for (const share of numbers(0, CUTS).map((n) => n / (CUTS + 1))) {
  const name = share === 0 ? 'whole' : `cut after ${Math.round(share * 100)} %`;
  t.test(`each request is answered, refused or mended, ${name}`, { skip }, async (t) => {
    // A person of each time stays below the rates that a person may have.
    for (const proxy of proxies ?? []) {
      const [ann, bob] = await system.people(2);
      const conversationId = await system.conversation([ann, bob]);
      const isStored = async (key: string): Promise<boolean> => {
        const history = await system.history(ann, conversationId);
        return history.some((message) => message.client_msg_id === key);
      };
      const problems: string[] = [];
      const corpus = httpCorpus({ token: ann.token, conversationId });
      await forEachBounded(corpus, CONNECTIONS_MAX, async (request) => {
        const pieces = cutAt(request.text, share);
        problems.push(...(await play({ request, pieces, proxy, came: [] }, isStored)));
      });
      t.same(problems, [], `${proxy.name}: ${corpus.length} requests`);
    }
  });
}
