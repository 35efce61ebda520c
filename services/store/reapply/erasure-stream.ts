import { jetStreamApi, streams, subjects } from '../../../shared/contracts/subjects.ts';
import { KahaError } from '../../../shared/errors.ts';
import type { Bus } from '../../../shared/nats/bus.ts';
import { parseJson } from '../../../shared/nats/parse-json.ts';
import type { ErasureRecord, RecordErasure } from './erasure-record.ts';

const TIMEOUT_MS = 2_000;
/** Reading asks for so many records at once. */
const AT_ONCE = 50;
const STREAM_NOT_FOUND = 10_059;
const NOT_FOUND = 404;

type Answer = { error?: { err_code: number; description: string } };
type StreamInfo = Answer & { state?: { first_seq: number; last_seq: number } };
type PubAck = Answer & { seq?: number };
type Numbered = { seq: number; record: ErasureRecord };

export type ErasureStream = {
  append: RecordErasure;
  /** Resolves with undefined if there is no such stream. */
  ends(): Promise<{ firstSeq: number; lastSeq: number } | undefined>;
  /** Reads the records with these numbers. One that is not there any more is left out. */
  read(fromSeq: number, toSeq: number): AsyncGenerator<Numbered, void>;
};

/** Keeps the records of erasures in the stream ERASURES. Nothing is retried here. */
export function createErasureStream(bus: Pick<Bus, 'nc' | 'connected'>): ErasureStream {
  const ask = async (subject: string, body: string) => {
    if (!bus.connected) throw new KahaError('MESSAGING_UNAVAILABLE', 'NATS is not connected');
    try {
      return await bus.nc.request(subject, body, { timeout: TIMEOUT_MS });
    } catch (cause) {
      // Nobody answers where there is no such stream, or no JetStream just now.
      throw new KahaError('MESSAGING_UNAVAILABLE', 'JetStream does not answer', { cause });
    }
  };
  const get = async (seq: number): Promise<Numbered[]> => {
    const api = jetStreamApi(`DIRECT.GET.${streams.erasures}`);
    const msg = await ask(api, JSON.stringify({ seq }));
    const code = msg.headers?.code ?? 0;
    if (code === NOT_FOUND) return [];
    if (code > NOT_FOUND) throw refused(`${code} ${msg.headers?.description}`);
    return [{ seq, record: parseJson(msg.data) as ErasureRecord }];
  };
  return {
    async append(record) {
      const msg = await ask(subjects.erasures, JSON.stringify(record));
      const { seq, error } = parseJson(msg.data) as PubAck;
      if (seq === undefined) throw refused(error?.description ?? 'no answer');
      return seq;
    },
    async ends() {
      const msg = await ask(jetStreamApi(`STREAM.INFO.${streams.erasures}`), '');
      const { state, error } = parseJson(msg.data) as StreamInfo;
      if (error?.err_code === STREAM_NOT_FOUND) return undefined;
      if (state === undefined) throw refused(error?.description ?? 'no answer');
      return { firstSeq: state.first_seq, lastSeq: state.last_seq };
    },
    async *read(fromSeq, toSeq) {
      for (let from = fromSeq; from <= toSeq; from += AT_ONCE) {
        const count = Math.min(AT_ONCE, toSeq - from + 1);
        const seqs = Array.from({ length: count }, (_, index) => from + index);
        for (const found of await Promise.all(seqs.map(get))) yield* found;
      }
    },
  };
}

function refused(description: string): KahaError {
  return new KahaError('MESSAGING_UNAVAILABLE', `Records of erasures: ${description}`);
}
