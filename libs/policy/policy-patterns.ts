import { compileGlob } from './glob.js';

export type Matches = (texts: readonly string[]) => boolean;

/** Whether one of the texts matches. What stands before the first wildcard and after the last is compared first: a document may have thousands of rules. */
export function compilePattern(pattern: string): Matches {
  const wildcard = pattern.search(/[*?\\]/);
  if (wildcard < 0) return (texts) => texts.includes(pattern);
  const glob = compileGlob(pattern);
  // `/**` at the end also matches nothing, so the slash before stars is left to the glob.
  const prefix = pattern.slice(0, wildcard).replace(/\/$/, '');
  const suffix = pattern.includes('\\') ? '' : pattern.slice(Math.max(pattern.lastIndexOf('*'), pattern.lastIndexOf('?')) + 1);
  return (texts) => texts.some((text) => text.startsWith(prefix) && text.endsWith(suffix) && glob(text));
}

/** One URL in the forms that patterns may be written for. */
export interface UrlForms {
  /** `host` and `host:port`, lower case. */
  readonly hosts: readonly string[];
  /** Dot segments resolved, unreserved characters decoded, without and with the scheme's own port: what may let something through. */
  readonly canonical: readonly string[];
  /** These and the URL as it was sent: what may refuse something. */
  readonly all: readonly string[];
}

/** Errors: none; a URL that cannot be parsed has only the form it was sent in, which lets nothing through. */
export function urlForms(url: string): UrlForms {
  const parsed = URL.parse(url);
  if (parsed === null) return { hosts: [], canonical: [], all: [url] };
  const port = parsed.port === '' ? (parsed.protocol === 'https:' ? '443' : '80') : parsed.port;
  const rest = decodeUnreserved(`${parsed.pathname}${parsed.search}`);
  const canonical = [`${parsed.protocol}//${parsed.host}${rest}`, `${parsed.protocol}//${parsed.hostname}:${port}${rest}`];
  return { hosts: [parsed.hostname, `${parsed.hostname}:${port}`], canonical, all: [...canonical, url] };
}

/** RFC 3986, section 6.2.2.2: an unreserved character means the same whether it is percent-encoded or not. */
function decodeUnreserved(text: string): string {
  return text.replace(/%[2-7][0-9A-Fa-f]/g, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : encoded;
  });
}

/** A host (glob), or a URL prefix that ends between two segments. */
export function compileOrigin(origin: string): (forms: UrlForms) => boolean {
  if (!origin.includes('://')) {
    const matches = compilePattern(origin.toLowerCase());
    return (forms) => matches(forms.hosts);
  }
  const [prefix = ''] = urlForms(origin).canonical;
  const base = prefix.replace(/\/+$/, '');
  return ({ canonical }) => canonical.some((url) => url === base || url.startsWith(`${base}/`) || url.startsWith(`${base}?`));
}

/** The forms of a package URL that patterns may be written for: with and without version, percent-encoded and not, never with qualifiers. */
export function purlForms(purl: string | undefined): readonly string[] {
  if (purl === undefined) return [];
  const plain = purl.split(/[?#]/, 1)[0] as string;
  const forms = [plain, withoutVersion(plain)];
  return [...new Set([...forms, ...forms.map(decoded)])];
}

/** `pkg:npm/%40scope/name@1` without `@1`; the `@` of a scope that is not encoded stays. */
export function withoutVersion(purl: string): string {
  const at = purl.lastIndexOf('@');
  return at > purl.lastIndexOf('/') + 1 ? purl.slice(0, at) : purl;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
