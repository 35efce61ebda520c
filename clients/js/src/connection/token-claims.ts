/** The client looks at these claims of a token. It does not judge the token. */
type TokenClaims = { sub?: string; exp?: number };

type Globals = { atob(text: string): string };

/** Reads the claims. A token that is no JWT has none. */
export function readClaims(token: string): TokenClaims {
  try {
    const { atob } = globalThis as unknown as Globals;
    const part = token.split('.')[1] ?? '';
    const claims = JSON.parse(atob(part.replaceAll('-', '+').replaceAll('_', '/')));
    return (claims as TokenClaims | null) ?? {};
  } catch {
    return {};
  }
}
