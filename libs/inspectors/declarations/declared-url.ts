/** A URL as declarations are compared: the origin with its port for https, and path plus query with `%2F` and letters in one form. */
export interface DeclaredUrl {
  /** `https://host:443` or `http://host[:port]`, as `InspectedRequest.origin`. */
  readonly origin: string;
  readonly path: string;
}

const maxUrl = 8192;

/** Resolves a URL that an index declares; undefined for what no client could fetch. A fragment is dropped. */
export function parseDeclaredUrl(text: string, base?: string): DeclaredUrl | undefined {
  if (text.length > maxUrl || !URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  const port = url.protocol === 'https:' && url.port === '' ? ':443' : '';
  return { origin: `${url.protocol}//${url.host}${port}`, path: normalisePath(url.pathname) + url.search };
}

/** Unreserved characters and `%2F`, `%40` stand plain, other escapes in upper case: clients differ in what they escape. */
export function normalisePath(path: string): string {
  return path.replace(/%[0-9a-fA-F]{2}/g, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[A-Za-z0-9\-._~/@+!]/.test(character) ? character : escape.toUpperCase();
  });
}

/** The decoded last segment of a path without query; undefined when it is empty or cannot be decoded to one segment. */
export function lastSegment(path: string): string | undefined {
  const end = path.indexOf('?');
  const plain = end < 0 ? path : path.slice(0, end);
  return decodeSegment(plain.slice(plain.lastIndexOf('/') + 1));
}

export function decodeSegment(segment: string): string | undefined {
  if (segment === '' || segment.length > 1024) return undefined;
  try {
    const decoded = decodeURIComponent(segment);
    return decoded.includes('\0') ? undefined : decoded;
  } catch {
    return undefined;
  }
}
