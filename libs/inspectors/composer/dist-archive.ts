import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { ArtefactMetadata } from '../../inspection/inspection.js';
import type { InspectedBody, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { readGzipTar } from '../archives/gzip-tar.js';
import { withZipArchive } from '../archives/zip-archive.js';
import { spdxLicense } from '../documents/spdx-license.js';
import { isComposerName } from './package-name.js';

/** The archive of a package, read to its end. */
export interface DistArchive {
  /** As its composer.json says, in lower case; empty when it has none, which some repositories allow. */
  readonly name: string;
  /** The commit that `git archive` wrote as the comment of a zip; empty when there is none. Nothing binds the content to it. */
  readonly commit: string;
  readonly metadata: Partial<ArtefactMetadata>;
}

const manifestLimit = 2 * 1024 * 1024;
const manifestPath = /^(?:[^/]+\/)?composer\.json$/;

/** Undefined for what is neither a zip nor a gzip tar; throws a reason for one that is not sound. */
export async function readDist(body: InspectedBody, response: InspectedResponse, context: InspectionContext): Promise<DistArchive | undefined> {
  if (body.head.subarray(0, 2).toString('latin1') === 'PK') {
    const manifest = await withZipArchive(body, { response, context }, async (archive) => {
      const path = pickManifest([...archive.files.keys()]);
      return path === undefined ? undefined : archive.read(path, manifestLimit);
    });
    return { ...readManifest(manifest), commit: await readCommit(body) };
  }
  if (body.head[0] !== 0x1f || body.head[1] !== 0x8b) return undefined;
  const paths = new Set<string>();
  const contents = await readGzipTar(body, context, ({ path }) => {
    paths.add(path);
    return manifestPath.test(path) ? manifestLimit : undefined;
  });
  const path = pickManifest([...paths]);
  return { ...readManifest(path === undefined ? undefined : contents.get(path)), commit: '' };
}

/** At the top, or in the one directory that Composer strips. */
function pickManifest(paths: readonly string[]): string | undefined {
  if (paths.includes('composer.json')) return 'composer.json';
  const tops = new Set(paths.map((path) => path.split('/', 1)[0]));
  const [top] = tops;
  return tops.size === 1 && paths.includes(`${top}/composer.json`) ? `${top}/composer.json` : undefined;
}

function readManifest(bytes: Buffer | undefined): Omit<DistArchive, 'commit'> {
  if (bytes === undefined) return { name: '', metadata: {} };
  const fields = parseBoundedJson(bytes);
  if (!isRecord(fields)) throw refusal('the composer.json of the dist is not a JSON object');
  const name = text(own(fields, 'name')).toLowerCase();
  if (name !== '' && !isComposerName(name)) throw refusal('the composer.json of the dist has no valid name');
  const licence = own(fields, 'license');
  const licences: unknown[] = Array.isArray(licence) ? licence : [licence];
  const authors = own(fields, 'authors');
  const people = (Array.isArray(authors) ? authors.slice(0, 64) : []).filter(isRecord);
  return {
    name,
    metadata: {
      description: text(own(fields, 'description')),
      // Several licences of a package are a choice, says Composer's schema.
      license: licences.map(text).filter((id) => id !== '').slice(0, 16).map(spdxLicense).join(' OR '),
      author: people.map((person) => text(own(person, 'name'))).filter((author) => author !== '').join(', '),
      authorEmail: people.map((person) => text(own(person, 'email'))).filter((email) => email !== '').join(', '),
      vendor: text(own(fields, 'homepage')),
    },
  };
}

/** The comment stands at the very end of a zip, after the 22 bytes of its end record. */
async function readCommit(body: InspectedBody): Promise<string> {
  const longest = 22 + 64;
  let tail: Buffer = Buffer.alloc(0);
  for await (const chunk of body.open() as AsyncIterable<Buffer>) tail = Buffer.concat([tail, chunk.subarray(-longest)]).subarray(-longest);
  for (const length of [40, 64]) {
    const end = tail.subarray(-(22 + length));
    const comment = end.toString('latin1', 22);
    if (end.length === 22 + length && end.toString('latin1', 0, 4) === 'PK\x05\x06' && end.readUInt16LE(20) === length && /^[0-9a-f]+$/.test(comment)) return comment;
  }
  return '';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
