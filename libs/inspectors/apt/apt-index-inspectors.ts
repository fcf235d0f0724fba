import type { Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { signedByMetadata } from '../openpgp/verify-signatures.js';
import { kindOfName, parseIndexPath, type IndexKind } from './index-path.js';
import { judgeIndex, type IndexExchange } from './judge-index.js';
import { rememberFiles, type FileCollector } from './known-files.js';
import type { ReleaseEntry } from './known-releases.js';
import { readDiffIndex, readPackages, readSources, type IndexSource } from './read-index.js';
import { plainPath } from './repository-path.js';

const types: Readonly<Record<IndexKind, string>> = {
  packages: 'application/x.apt.packages',
  sources: 'application/x.apt.sources',
  translation: 'application/x.apt.translation',
  commands: 'application/x.apt.commands',
  contents: 'application/x.apt.contents',
  components: 'application/x.apt.components',
  icons: 'application/x.apt.icons',
  diff: 'application/x.apt.diff-index',
  other: 'application/octet-stream',
};

/** Indexes that declare files; the others are compared with the Release file and not read. */
const readers: Readonly<Partial<Record<IndexKind, (source: IndexSource) => Promise<FileCollector>>>> = {
  packages: readPackages,
  sources: readSources,
  diff: readDiffIndex,
};

/** The one that speaks of names by hash that nobody declares. */
export const aptPackagesInspector = createIndexInspector('apt.packages', ['packages', 'sources'], { speaksOfUndeclared: true });
export const aptTranslationInspector = createIndexInspector('apt.translation', ['translation']);
export const aptCommandsInspector = createIndexInspector('apt.commands', ['commands']);
export const aptIndexInspector = createIndexInspector('apt.index', ['contents', 'components', 'icons', 'diff', 'other']);

function createIndexInspector(id: string, kinds: readonly IndexKind[], { speaksOfUndeclared = false } = {}): Inspector {
  return {
    id,
    inspectRequest: (request) => {
      const asked = request.method === 'GET' ? parseIndexPath(plainPath(request.path)) : undefined;
      if (asked === undefined || (asked.kind !== undefined && !kinds.includes(asked.kind))) return undefined;
      return { opinion: 'Pending', reason: 'valid URL for an index of an apt repository' };
    },
    inspectResponse: async (request, response, body, context) => {
      const asked = parseIndexPath(plainPath(request.path));
      if (response.status !== 200 || asked === undefined) return undefined;
      const outcome = await judgeIndex({ request, body, context, asked });
      if ('entry' in outcome) {
        const kind = kindOfName(outcome.entry.name);
        return kinds.includes(kind) ? approve({ request, body, context, asked }, outcome.entry, kind) : undefined;
      }
      if (asked.kind === undefined && !speaksOfUndeclared) return undefined;
      return asked.kind === undefined ? outcome.undeclared : { ...outcome.undeclared, metadata: { type: types[asked.kind] } };
    },
  };
}

async function approve({ request, body, context }: IndexExchange, entry: ReleaseEntry, kind: IndexKind): Promise<ResponseInspection> {
  const { release, name } = entry;
  const metadata = { type: types[kind], name, version: release.codename, vendor: release.origin, signedBy: signedByMetadata(release.signedBy) };
  const files = await readers[kind]?.({ body, context, name });
  if (files !== undefined) {
    context.signal?.throwIfAborted();
    await rememberFiles(context.knowledge, request.origin, {
      index: { index: request.url.slice(0, 2048), base: release.base, id: `${kind}-${body.sha256}-${name}`, vendor: release.origin, signedBy: release.signedBy },
      files,
      signal: context.signal,
    });
  }
  return {
    opinion: 'Approved',
    reason: 'valid index, declared by the signed Release file',
    annotations: { 'declared-by': `${request.origin}${release.base}`, name, ...(files === undefined ? {} : { files: files.count }) },
    metadata,
  };
}
