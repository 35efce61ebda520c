const NAME = /^@([1-9][0-9]{0,8})$/;

/**
 * A text names the key that encrypted it: `@<generation>` is a key of its conversation, and
 * anything else is the id of a content key, which has no `@`.
 */
export function keyNameOf(generation: number): string {
  return `@${generation}`;
}

/** The result is undefined if the name is that of a content key. */
export function generationOf(keyName: string): number | undefined {
  const [, digits] = NAME.exec(keyName) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
