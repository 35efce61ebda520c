/**
 * A message of the feed is one of these to a reader that has done with all messages up to `done`.
 * - `next` follows, and is to be handled.
 * - `known` comes again, because its acknowledgement was lost. It is only acknowledged.
 * - `gap` follows messages that the reader never got, because EVENTS dropped them.
 *
 * A number that is too low and was never delivered before is a gap too, because NATS has lost the
 * end of the stream and counts anew from an earlier number.
 */
type Judgement = 'next' | 'known' | 'gap';

type Numbered = { seq: number; redelivered: boolean };

export function judgeSequence(done: number, { seq, redelivered }: Numbered): Judgement {
  if (seq === done + 1) return 'next';
  return redelivered && seq <= done ? 'known' : 'gap';
}
