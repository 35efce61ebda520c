import t from 'tap';
import { conversationRecord } from '../services/edge/stage/conversation-record.ts';
import { setStage, tokenOf } from '../services/edge/stage/edge-stage.ts';
import { type CorpusRequest, httpCorpus } from '../services/edge/stage/http-corpus.ts';
import { askRaw } from '../services/edge/stage/raw-http.ts';
import { forEachBounded } from '../shared/concurrency/for-each-bounded.ts';
import { subjects } from '../shared/contracts/subjects.ts';
import { type ConversationId, newId, type UserId } from '../shared/ids.ts';

const stage = await setStage();
const router = await stage.startRouter();
const edge = await stage.startEdge('edge-1', { admissionRatePerS: 10_000 });
const store = await stage.busOf('store-1');
t.teardown(() => stage.close());

const conversationId = newId<ConversationId>();
const record = conversationRecord([], { type: 'group', title: 'x' });
store.serve({ subject: subjects.store('conversations.get'), concurrencyMax: 999 }, () => ({
  record,
}));
await store.nc.flush();
/** The router has carried out the sends with these keys. */
const sent = new Set<string>();
let seq = 0;
router.script.message = ({ client_msg_id }) => {
  sent.add(client_msg_id);
  seq += 1;
  return { client_msg_id, seq };
};

const CONNECTIONS_MAX = 64;
/** More requests of one user would run into the limits of their rate. */
const REQUESTS_PER_USER = 8;
/** This request follows some of the others on its connection. */
const LAST = 'GET /api/v1/last HTTP/1.1\r\nHost: x\r\n\r\n';
const LAST_STATUS = 404;
/** An edge that cannot go on with what it read answers one of these, and closes the connection. */
const REFUSALS = [400, 408, 431, 505];

async function corpus(): Promise<CorpusRequest[]> {
  return httpCorpus({ token: await tokenOf(newId<UserId>()), conversationId });
}

function withNewKeys(request: CorpusRequest): CorpusRequest {
  let { text } = request;
  const keys = request.keys.map((key) => {
    const other = newId<string>();
    text = text.replaceAll(key, other);
    return other;
  });
  return { ...request, text, keys };
}

/** Returns how the request was answered in these pieces, and a problem if that was wrong. */
async function play(request: CorpusRequest, pieces: readonly string[]) {
  const { statuses, statusesInPieces = statuses, keys, isPipelined, isHead = false } = request;
  const asked = { pieces, answers: statuses.length + (pieces.includes(LAST) ? 1 : 0), isHead };
  const { answers, isClosed } = await askRaw(edge.port, asked);
  const came = answers.map(({ status }) => status);
  const told = answers
    .filter(({ status }) => status === 201)
    .map(({ body }) => JSON.parse(body).client_msg_id as string);
  const problem = (): string | undefined => {
    const isTrue = keys.every((key, index) => sent.has(key) === (told[index] === key));
    if (!isTrue || told.length > keys.length) return `told of ${told.length} sends wrongly`;
    const isWhole = [statuses, statusesInPieces].some(
      (all) =>
        startsWith(came, all) && came.slice(all.length).every((status) => status === LAST_STATUS),
    );
    const isRefused =
      answers.at(-1)?.headers.get('connection') === 'close' &&
      REFUSALS.includes(came.at(-1) as number) &&
      startsWith([...statuses, LAST_STATUS], came.slice(0, -1));
    const isCut = isPipelined === true && isClosed && startsWith(statuses, came);
    return isWhole || isRefused || isCut ? undefined : `${came}, closed: ${isClosed}`;
  };
  return { came, isClosed, problem: problem() };
}

function startsWith(all: readonly number[], start: readonly number[]): boolean {
  return start.every((status, index) => all[index] === status);
}

t.test('each request of the corpus is answered if it is whole in one packet', async (t) => {
  for (const request of await corpus()) {
    const { came, isClosed } = await play(request, [request.text]);
    const { name, statuses, isPipelined } = request;
    if (isPipelined === true) t.same([came, isClosed], [[], true], name);
    else t.same(came.slice(0, statuses.length), statuses, name);
  }
});

t.test('a request is answered wherever it is cut, or is refused, and nothing hides', async (t) => {
  const cuts = (await corpus()).flatMap(({ text }, index) => {
    const users = Math.ceil((text.length - 1) / REQUESTS_PER_USER);
    return Array.from({ length: users }, (_, user) => ({
      index,
      from: 1 + user * REQUESTS_PER_USER,
    }));
  });
  const problems: string[] = [];
  let count = 0;
  await forEachBounded(cuts, CONNECTIONS_MAX / REQUESTS_PER_USER, async ({ index, from }) => {
    const request = (await corpus())[index] as CorpusRequest;
    const to = Math.min(from + REQUESTS_PER_USER, request.text.length);
    const all = Array.from({ length: to - from }, async (_, n) => {
      const cut = withNewKeys(request);
      const at = from + n;
      const pieces = [cut.text.slice(0, at), cut.text.slice(at)];
      const { problem } = await play(cut, n === 0 ? [...pieces, LAST] : pieces);
      count += 1;
      if (problem !== undefined) problems.push(`${cut.name}, cut at ${at}: ${problem}`);
    });
    await Promise.all(all);
  });
  t.same(problems.slice(0, 20), [], `${problems.length} of ${count}`);
});
