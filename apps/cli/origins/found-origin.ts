/** One place that a package manager is configured to fetch from. */
export interface FoundOrigin {
  /** What the ecosystem's inspectors may be called, the likeliest first. */
  readonly ecosystems: readonly string[];
  /** `https://host[:port]/`: nothing of a path, and never credentials. */
  readonly origin: string;
  /** Which tool or file said so. */
  readonly from: string;
}

export interface FoundKey {
  readonly ecosystems: readonly string[];
  readonly host: string;
  /** `openpgp:<FINGERPRINT>` */
  readonly keys: readonly string[];
  readonly from: string;
}

export interface Found {
  readonly origins: readonly FoundOrigin[];
  readonly keys: readonly FoundKey[];
}

/** Scheme and host of an http(s) URL; undefined for what is none. Whatever else stands in it (user, password, token, path) is dropped. */
export function originOf(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  const url = URL.parse(text.trim().replace(/^(?:sparse|registry|git)\+/, ''));
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') return undefined;
  return `${url.protocol}//${url.host}/`;
}

export function foundOrigins(ecosystems: readonly string[], from: string, urls: Iterable<unknown>): readonly FoundOrigin[] {
  return [...urls].map(originOf).filter((origin) => origin !== undefined).map((origin) => ({ ecosystems, origin, from }));
}

/** The http(s) URLs in a text, up to a quote, a space or a bracket. */
export function urlsIn(text: string): readonly string[] {
  return text.match(/https?:\/\/[^\s"'<>()[\]{},;]+/g) ?? [];
}

export function words(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(/[\s,|]+/).filter((word) => word !== '');
}
