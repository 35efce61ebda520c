const TOKEN = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/** This is a JWT (JWS, compact) whose signature nobody has judged yet. */
export type SignedToken = {
  algorithm: string;
  /** The token names its key by this, or by nothing. */
  keyId: string | undefined;
  claims: Record<string, unknown>;
  input: Buffer;
  signature: Buffer;
};

/**
 * Takes a token apart. Returns undefined where the text is no JWT, or demands by `crit` what the
 * edge does not know.
 */
export function splitToken(token: string): SignedToken | undefined {
  const [, head = '', body = '', tail = ''] = TOKEN.exec(token) ?? [];
  const header = parsePart(head);
  const claims = parsePart(body);
  if (header === undefined || claims === undefined || header.crit !== undefined) return undefined;
  const { alg, kid } = header;
  if (typeof alg !== 'string' || (kid !== undefined && typeof kid !== 'string')) return undefined;
  return {
    algorithm: alg,
    keyId: kid,
    claims,
    input: Buffer.from(`${head}.${body}`, 'latin1'),
    signature: Buffer.from(tail, 'base64url'),
  };
}

function parsePart(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    // The caller tells that the token is malformed.
    return undefined;
  }
}
