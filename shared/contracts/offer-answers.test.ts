import t from 'tap';
import { answerMany } from '../nats/reply-mux.ts';
import { OFFER_ANSWERS, readOfferAnswer } from './offer-answers.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const answers = Object.keys(OFFER_ANSWERS) as (keyof typeof OFFER_ANSWERS)[];

t.test('each answer is read back, alone and for many offers', async (t) => {
  for (const answer of answers) {
    const text = OFFER_ANSWERS[answer];
    t.equal(readOfferAnswer(bytes(text)), answer);
    const [many] = answerMany(['answers.r.1', 'answers.r.2'], text);
    t.equal(readOfferAnswer(bytes(many?.payload ?? '')), answer);
  }
});

t.test('an unknown or empty answer leaves the event to the queue', async (t) => {
  for (const text of ['', '*', '?', ' +']) t.equal(readOfferAnswer(bytes(text)), 'queue');
});

t.test('a router that reads only the first byte takes both answers of taken for it', async (t) => {
  const { taken, takenInUse } = OFFER_ANSWERS;
  for (const answer of [taken, takenInUse]) t.equal(answer.slice(0, 1), '+');
});
