/** Keys and texts that have no business in a history. A token is 20 or more characters of [A-Za-z0-9]. */
export function secretsIn(history: unknown, known: readonly string[] = []): string[] {
  const { texts, keys } = contents(history);
  const suspiciousKeys = keys.filter((key) => /token|secret|password|credential|authorization|cookie/i.test(key) && key !== 'tokenSha256');
  const suspiciousWords = texts.flatMap((text) => text.match(/[A-Za-z0-9]{20,}/g) ?? []).filter((word) => !isKnownWord(word, known));
  const userInfo = texts.flatMap((text) => text.match(/(?<=:\/\/[^/\s:@]*):[^/\s@]+@/g) ?? []);
  return [...suspiciousKeys, ...suspiciousWords, ...userInfo];
}

/** What looks like a token and is none: digests in hex, ids that the caller knows, and names of code (words of two letters or more). */
function isKnownWord(word: string, known: readonly string[]): boolean {
  if (/^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/.test(word) || known.includes(word)) return true;
  return /^[A-Za-z]+$/.test(word) && word.split(/(?=[A-Z])/).every((part) => part.length > 1);
}

/** Every key and text of a history; payloads decoded. */
function contents(value: unknown): { texts: string[]; keys: string[] } {
  const texts: string[] = [];
  const keys: string[] = [];
  const visit = (item: unknown): void => {
    if (typeof item === 'string') texts.push(item);
    else if (Array.isArray(item)) item.forEach(visit);
    else if (typeof item === 'object' && item !== null) {
      const payload = item as { metadata?: { encoding?: unknown }; data?: unknown };
      if (payload.metadata?.encoding !== undefined && typeof payload.data === 'string') {
        const text = Buffer.from(payload.data, 'base64').toString('utf8');
        visit(text.startsWith('{') || text.startsWith('[') || text.startsWith('"') ? JSON.parse(text) : text);
        return;
      }
      for (const [key, inner] of Object.entries(item)) {
        keys.push(key);
        visit(inner);
      }
    }
  };
  visit(value);
  return { texts, keys };
}
