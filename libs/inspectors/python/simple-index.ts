import { Parser } from 'htmlparser2';
import { isRecord, own } from '../../inspection/bounded-json.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { parseDeclaredUrl, type DeclaredUrl } from '../declarations/declared-url.js';
import { readPublicationTime } from '../declarations/publication-time.js';
import { normaliseProjectName } from './project-name.js';

/** A file as an index declares it. Digests are lower-case hex of SHA-256, empty when the index gives none. */
export interface IndexedFile {
  readonly url: DeclaredUrl;
  readonly sha256: string;
  /** Digest of the file's metadata beside it (PEP 658). */
  readonly metadataSha256: string;
  readonly yanked: boolean;
  /** PEP 700, as `readPublicationTime` gives it; empty in HTML. */
  readonly published: string;
}

const maxFiles = 200_000;
/** Open elements at once: the parser looks through all of them at every closing tag. */
const maxDepth = 256;
const sha256Hex = /^[0-9a-fA-F]{64}$/;

/** Reads a parsed project page in JSON (PEP 691). Throws the reason when it is none, or that of another project. */
export function readJsonIndex(page: unknown, project: string, url: string): readonly IndexedFile[] {
  const meta = isRecord(page) ? own(page, 'meta') : undefined;
  if (!isRecord(page) || !isRecord(meta)) throw refusal('the index page is not a JSON object with a meta part');
  checkApiVersion(own(meta, 'api-version'));
  const name = own(page, 'name');
  if (typeof name !== 'string' || normaliseProjectName(name.slice(0, 512)) !== project)
    throw refusal(`the index page is not that of ${JSON.stringify(project)}`);
  const files = own(page, 'files');
  if (!Array.isArray(files)) throw refusal('the index page has no list of files');
  if (files.length > maxFiles) throw limitExceeded(`the index page has more than ${maxFiles} files`);
  return files.map((file) => readJsonFile(file, url));
}

function readJsonFile(file: unknown, base: string): IndexedFile {
  const location = isRecord(file) ? own(file, 'url') : undefined;
  if (!isRecord(file) || typeof location !== 'string') throw refusal('the index page has a file without a URL');
  const url = parseDeclaredUrl(location, base);
  if (url === undefined) throw refusal('the index page has a file with a URL that cannot be fetched');
  const hashes = own(file, 'hashes');
  const core = own(file, 'core-metadata') ?? own(file, 'dist-info-metadata');
  const yanked = own(file, 'yanked');
  return {
    url,
    sha256: isRecord(hashes) ? hexDigest(own(hashes, 'sha256')) : '',
    metadataSha256: isRecord(core) ? hexDigest(own(core, 'sha256')) : '',
    yanked: yanked !== undefined && yanked !== false,
    published: readPublicationTime(own(file, 'upload-time')),
  };
}

/** Reads a project page in HTML (PEP 503, 592, 629, 658 and 714). It cannot say whose it is; the names of its files must. */
export function parseHtmlIndex(bytes: Buffer, url: string): readonly IndexedFile[] {
  const files: IndexedFile[] = [];
  let base = url;
  let isHtml = false;
  let depth = 0;
  const parser = new Parser({
    onprocessinginstruction: (name) => {
      if (name.toLowerCase() === '!doctype') isHtml = true;
    },
    onclosetag: () => {
      depth -= 1;
    },
    onopentag: (name, attributes) => {
      depth += 1;
      if (depth > maxDepth) throw limitExceeded(`the index page is nested deeper than ${maxDepth} elements`);
      if (name === 'html' || name === 'body' || name === 'a') isHtml = true;
      if (name === 'base' && base === url && attributes['href'] !== undefined && URL.canParse(attributes['href'], url))
        base = new URL(attributes['href'], url).href;
      if (name === 'meta' && attributes['name'] === 'pypi:repository-version') checkApiVersion(attributes['content']);
      if (name !== 'a' || attributes['href'] === undefined) return;
      if (files.length >= maxFiles) throw limitExceeded(`the index page has more than ${maxFiles} files`);
      const file = readAnchor(attributes['href'], attributes, base);
      if (file !== undefined) files.push(file);
    },
  });
  // In parts, so that a passed limit ends the work early.
  const text = new TextDecoder().decode(bytes);
  for (let start = 0; start < text.length; start += 65_536) parser.write(text.slice(start, start + 65_536));
  parser.end();
  if (!isHtml) throw refusal('the index page is not HTML');
  return files;
}

function readAnchor(href: string, attributes: Readonly<Record<string, string>>, base: string): IndexedFile | undefined {
  const url = parseDeclaredUrl(href, base);
  if (url === undefined) return undefined;
  const fragment = /#(?:[^#]*&)?sha256=([0-9a-fA-F]{64})(?:&|$)/.exec(href.slice(-1024));
  const core = attributes['data-core-metadata'] ?? attributes['data-dist-info-metadata'] ?? '';
  return {
    url,
    sha256: hexDigest(fragment?.[1]),
    metadataSha256: core.startsWith('sha256=') ? hexDigest(core.slice('sha256='.length)) : '',
    yanked: attributes['data-yanked'] !== undefined,
    published: '',
  };
}

function hexDigest(value: unknown): string {
  return typeof value === 'string' && sha256Hex.test(value) ? value.toLowerCase() : '';
}

/** PEP 629: a client must not guess at another major version. */
function checkApiVersion(version: unknown): void {
  if (typeof version !== 'string' || !/^1\.\d{1,4}$/.test(version)) throw refusal('the index page has an unknown version of the repository API');
}
