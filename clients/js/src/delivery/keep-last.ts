/** So many conversations are followed. The one that was silent longest is then met anew. */
const CONVERSATIONS_MAX = 10_000;

/** Sets an entry. The one that was set longest ago makes room. */
export function keepLast<Value>(map: Map<string, Value>, key: string, value: Value): void {
  const [oldest = ''] = map.keys();
  if (map.size >= CONVERSATIONS_MAX) map.delete(oldest);
  map.delete(key);
  map.set(key, value);
}
