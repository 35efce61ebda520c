import { LIMITS } from '../../../shared/protocol/limits.ts';
import { SERVICE_RATE } from '../limits/service-limits.ts';
import { CLAIMS, ERRORS_CHAPTER, IDEMPOTENCY, LIMITS_CHAPTER, VALUES } from './common-chapters.ts';
import { bytes, rate } from './quantities.ts';

/** `/openapi.json` tells with this text, in Markdown, what no schema can say. */
export const ABOUT_REST = `These calls do what the socket does (see \`/asyncapi.json\`), but
events come over the socket alone.

## Token

Every call but those to the documents has the header \`Authorization: Bearer <token>\`.

${CLAIMS}

In development \`npm run token\` prints a token, and \`npm run up\` shows how to use it.

A service, such as kaha-main-v3, is no user. It sends one of \`SERVICE_TOKENS\` as its bearer
token, and may make the calls that name the scheme \`service\`; other calls are answered
\`FORBIDDEN\`. Its rate is ${rate(SERVICE_RATE)}, for each token.

## Calls

The base is \`/api/v1\`. \`/api/chat/*\` is an alias of \`/api/v1/*\`, and \`/api/v1/chats/*\` of
\`/api/v1/conversations/*\`. Bodies are JSON in UTF-8 of at most ${bytes(LIMITS.bodyBytesMax)}.
\`HEAD\` is answered as \`GET\` without a body. An unknown path is answered 404, and a wrong
method 405. A query has at most ${bytes(LIMITS.queryBytesMax)}. A body comes within some seconds
(408), and without \`Content-Encoding\` (415). A head that may be read in two ways, such as one with
two lengths, is answered 400, and its connection is closed.

Do not send a request before the one before it on the connection is answered. If both come in one
packet, none of them is carried out, and the connection is closed without an answer.

A list has \`next_cursor\`, which is null on the last page. Give it back unchanged as \`cursor\`
to get the next page. It is good for the same caller and the same list alone.

What a call has changed is in every read after it. The positions of others may be 2 seconds late.

A page in a browser may call from the Origins in \`ALLOWED_ORIGINS\`.

${IDEMPOTENCY}
Over HTTP the \`client_msg_id\` stands in the body, or in the header \`Idempotency-Key\`, plain or
in double quotes. If the body has one, a header that is no UUID v4 is ignored, and another UUID v4
is an error. The status is 201 for a new message, and 200 for a repeat.

${VALUES}

${LIMITS_CHAPTER}

${ERRORS_CHAPTER}
`;
