/** Key ids of 8 or 16 digits, or whole fingerprints: what the shorter one says must hold for the longer. */
export function isSameKey(one: string, other: string): boolean {
  const [long, short] = one.length >= other.length ? [one.toUpperCase(), other.toUpperCase()] : [other.toUpperCase(), one.toUpperCase()];
  return short.length >= 8 && long.endsWith(short);
}
