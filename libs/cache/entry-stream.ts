/** Before names of streams: those of entries go on with `<instance>/<kind>/<sha256 of key and qualifiers>`, those of caches with the instance. */
export const entryStreamPrefix = 'cache-entry:';
export const cacheStreamPrefix = 'artifact-cache:';

/** `nameDigest`: lower-case hex. */
export function entryStreamId({ instance, kind, nameDigest }: { readonly instance: string; readonly kind: string; readonly nameDigest: string }): string {
  return `${entryStreamPrefix}${instance}/${kind}/${nameDigest}`;
}

export function cacheStreamId(instance: string): string {
  return `${cacheStreamPrefix}${instance}`;
}

/** The JSON of qualifiers is the same whatever order they are given in. */
export function sortedPairs(pairs: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(pairs).sort(([one], [other]) => (one < other ? -1 : 1))));
}
