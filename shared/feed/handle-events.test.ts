import t from 'tap';
import type { FeedEvent } from '../contracts/feed.ts';
import { KahaError } from '../errors.ts';
import { createLogger } from '../process/logger.ts';
import { handleEvents } from './handle-events.ts';
import { feedEvent } from './stage/feed-batches.ts';

const logger = createLogger({ service: 't', instance: 't', level: 'silent', hashKey: 'k' });

function handlingOf(handle: (event: FeedEvent) => Promise<void>) {
  const ending = new AbortController();
  const counts = { givenUp: 0 };
  const onGiveUp = (): void => {
    counts.givenUp += 1;
  };
  const how = { handle, onGiveUp, concurrencyMax: 2, signal: ending.signal, logger };
  return { how, counts, ending };
}

t.test('at most so many events are handled at a time', async (t) => {
  let now = 0;
  let most = 0;
  const { how } = handlingOf(async () => {
    now += 1;
    most = Math.max(most, now);
    await new Promise(setImmediate);
    now -= 1;
  });
  await handleEvents(
    Array.from({ length: 9 }, () => feedEvent()),
    how,
  );
  t.equal(most, 2);
});

t.test('an event that can succeed later is repeated for as long as it takes', async (t) => {
  const [good, bad] = [feedEvent(), feedEvent()];
  const handled: FeedEvent[] = [];
  const { how, counts } = handlingOf(async (event) => {
    handled.push(event);
    const isRefused = event === bad && handled.length < 3;
    if (isRefused) throw new KahaError('DATABASE_UNAVAILABLE', 'away');
  });
  await handleEvents([bad, good], how);
  t.same(handled, [bad, good, bad], 'the other one is not repeated');
  t.equal(counts.givenUp, 0);
});

t.test('an event that cannot be handled is given up after five attempts', async (t) => {
  let attempts = 0;
  const { how, counts } = handlingOf(async () => {
    attempts += 1;
    throw new Error('cannot be read');
  });
  await handleEvents([feedEvent()], how);
  t.equal(attempts, 5);
  t.equal(counts.givenUp, 1);
});

t.test('a handling that is ended waits for what runs, begins no more, and rejects', async (t) => {
  const handled: FeedEvent[] = [];
  const events = Array.from({ length: 5 }, () => feedEvent());
  const { how, ending } = handlingOf(async (event) => {
    ending.abort();
    await new Promise(setImmediate);
    handled.push(event);
  });
  await t.rejects(handleEvents(events, how), { name: 'AbortError' });
  t.same(handled, events.slice(0, 1));
});
