import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { isCleartextSigned, splitCleartext } from '../openpgp/cleartext.js';
import { readOneParagraph, type Paragraph } from '../../deb/control-file.js';
import { judgeFile } from './judge-file.js';
import { createFileCollector, rememberFiles, type KnownIndex } from './known-files.js';
import { debPurl, describePackage } from './package-metadata.js';
import { readRaw } from './raw-body.js';
import { sourceFiles } from './read-index.js';
import { directoryOf, plainPath } from './repository-path.js';

const descriptionLimit = 4 * 1024 * 1024;
const sourceArchive = /\/[a-z0-9][a-z0-9+.-]+_\d[^/_]*?(?:\.orig(?:-[a-z0-9-]+)?|\.debian)?\.(?:tar\.(?:gz|xz|bz2|lzma|zst)|diff\.gz)(?:\.asc)?$/;

/** Source packages: the `.dsc` and the files that it lists, see docs/reference/inspectors/apt.md. */
export const aptSourceInspector: Inspector = {
  id: 'apt.source',
  inspectRequest: (request) => (request.method === 'GET' && asksForSource(request) ? { opinion: 'Pending', reason: 'valid URL for a file of a Debian source package' } : undefined),
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    if (plainPath(request.path).endsWith('.dsc')) return judgeDescription({ request, body, context });
    const { opinion, declaration } = await judgeFile({ request, body, context, kind: 'sources', what: 'source file' });
    // A file of such a name may be one of another ecosystem.
    if (opinion.opinion === 'Unknown' && !isAptClient(request)) return undefined;
    const file = declaration?.file;
    return {
      ...opinion,
      metadata: {
        ...opinion.metadata,
        type: 'application/x.debian.source-file',
        ...(file === undefined ? {} : { name: file.name, version: file.version, sourcePackage: file.name, architecture: 'source' }),
        ...(file === undefined || file.name === '' ? {} : { purl: debPurl({ ...file, architecture: 'source', vendor: declaration?.index.vendor }) }),
      },
    };
  },
};

function asksForSource(request: InspectedRequest): boolean {
  const path = plainPath(request.path);
  return path.endsWith('.dsc') || sourceArchive.test(path);
}

/** A hint, never a proof. */
function isAptClient(request: InspectedRequest): boolean {
  return request.header('user-agent')?.includes('APT-') === true;
}

interface Exchange {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

async function judgeDescription(exchange: Exchange): Promise<ResponseInspection> {
  const bytes = await readRaw(exchange.body, descriptionLimit);
  const control = await readOneParagraph(isCleartextSigned(bytes) ? splitCleartext(bytes).text : bytes);
  // Its signature is that of a developer, of whom the archive knows and not this machine: the index counts.
  const { opinion, declaration } = await judgeFile({ ...exchange, kind: 'sources', what: 'source package' });
  const name = control.get('source') ?? '';
  const version = control.get('version') ?? '';
  if (declaration !== undefined) await rememberSourceFiles(exchange, control, declaration.index);
  return {
    ...opinion,
    metadata: {
      ...opinion.metadata,
      ...describePackage(control),
      type: 'application/x.debian.source-control',
      name,
      version,
      architecture: 'source',
      sourcePackage: name,
      ...(name === '' ? {} : { purl: debPurl({ name, version, architecture: 'source', vendor: opinion.metadata?.vendor }) }),
    },
  };
}

/** The files of an approved `.dsc` may be fetched beside it. */
async function rememberSourceFiles({ request, body, context }: Exchange, control: Paragraph, { vendor, signedBy }: KnownIndex): Promise<void> {
  const files = createFileCollector();
  for (const file of sourceFiles(control)) files.add(file);
  await rememberFiles(context.knowledge, request.origin, {
    index: { index: request.url.slice(0, 2048), base: directoryOf(plainPath(request.path)), id: `dsc-${body.sha256}`, vendor, signedBy },
    files,
    signal: context.signal,
  });
}
