import { createHmac } from 'node:crypto';
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import { isError, withErrorFields } from './error-fields.ts';

export type { Logger };

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
/** A URL may have a user and a password. */
const CREDENTIALS = /:\/\/[^/\s"@]*@/g;
/** A mask has 48 bits: enough to follow one person through a day's lines, not a name for ever. */
const HASH_CHARACTERS = 12;

type Options = { service: string; instance: string; level: string; hashKey: string };

/**
 * Creates a logger that writes JSON lines. Every UUID anywhere in a line becomes `u:<12 hex>`, a
 * keyed hash: an operator can follow the lines of one person, but cannot find the person. Tokens
 * become `[token]`, and credentials in URLs are left out. The mask works on the finished line, so
 * that no field or message can slip past it. An error anywhere in a line is told by its name, code
 * and message alone. Contents of messages are never logged: no call passes one.
 */
export function createLogger(options: Options, stream?: DestinationStream): Logger {
  const out = stream ?? destination({ fd: 1, sync: true });
  const masked: DestinationStream = { write: (line) => out.write(maskLine(line, options.hashKey)) };
  return pino(
    {
      level: options.level,
      base: { service: options.service, instance: options.instance },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // The hook has told the error already; without this, pino would add a type and a stack.
      serializers: { err: (fields: unknown) => fields },
      hooks: {
        logMethod([first, ...rest], log) {
          const fields = withErrorFields(isError(first) ? { err: first } : first);
          log.apply(this, [fields, ...rest] as unknown as Parameters<typeof log>);
        },
      },
      redact: { paths: ['token', 'content', 'metadata', '*.token', '*.content', '*.metadata'] },
    },
    masked,
  );
}

function maskLine(line: string, hashKey: string): string {
  return line
    .replace(JWT, '[token]')
    .replace(CREDENTIALS, '://')
    .replace(UUID, (uuid) => {
      const hash = createHmac('sha256', hashKey).update(uuid.toLowerCase()).digest('hex');
      return `u:${hash.slice(0, HASH_CHARACTERS)}`;
    });
}
