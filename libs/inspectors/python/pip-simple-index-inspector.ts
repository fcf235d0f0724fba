import type { InspectedRequest, Inspector } from '../../inspection/inspector.js';
import { groupByOrigin, rememberDeclaredFiles, type FileDeclaration } from '../declarations/declared-files.js';
import { decodeSegment, lastSegment, type DeclaredUrl } from '../declarations/declared-url.js';
import { possibleProjects } from './distribution-file.js';
import { isProjectName, normaliseProjectName, pypiPurl } from './project-name.js';
import { parseHtmlIndex, parseJsonIndex } from './simple-index.js';

/** Decoded bytes; the largest project pages of the public index have some 20 MB. */
const pageLimit = 64 * 1024 * 1024;
/** A page whose files lie at more origins than this is not one of an honest index. */
const maxOrigins = 8;

/** Project pages of the simple repository API, see docs/reference/inspectors/python.md. */
export const pipSimpleIndexInspector: Inspector = {
  id: 'pip.simple-index',
  inspectRequest: (request) => (asksForProjectPage(request) ? { opinion: 'Pending', reason: 'valid URL for a Python project page' } : undefined),
  inspectResponse: async (request, response, body, { knowledge }) => {
    const project = projectOfPath(request.path);
    if (response.status !== 200 || project === undefined) return undefined;
    const bytes = await body.read(pageLimit);
    // By the first byte: a JSON page is an object, an HTML page never starts with a brace.
    const files = /^\s{0,64}\{/.test(bytes.toString('latin1', 0, 65)) ? parseJsonIndex(bytes, project, request.url) : parseHtmlIndex(bytes, request.url);
    const own = files.filter((file) => possibleProjects(lastSegment(file.url.path) ?? '').includes(project));
    const groups = groupByOrigin(
      own.map((file): [DeclaredUrl, FileDeclaration] => [file.url, file.metadataSha256 === '' ? [file.sha256] : [file.sha256, file.metadataSha256]]),
    );
    if (groups.size > maxOrigins) return { opinion: 'Rejected', reason: `the index page spreads its files over more than ${maxOrigins} origins` };
    let remembered = 0;
    for (const [origin, declared] of groups)
      remembered += await rememberDeclaredFiles(knowledge, { family: 'pip', origin, name: project }, { index: request.origin + request.path, files: declared });
    return {
      opinion: 'Approved',
      reason: 'valid Python project page',
      annotations: {
        files: files.length,
        'other-files': files.length - own.length,
        'remembered-urls': remembered,
        yanked: own.filter((file) => file.yanked).length,
      },
      metadata: { type: 'application/x.python.simple-index', name: project, purl: pypiPurl(project, '') },
    };
  },
};

function asksForProjectPage(request: InspectedRequest): boolean {
  if (request.method !== 'GET') return false;
  if (!request.path.includes('/simple/') && request.header('accept')?.includes('application/vnd.pypi.simple.v1+') !== true) return false;
  return projectOfPath(request.path) !== undefined && !/\.(?:whl|gz|tgz|zip|metadata)$/.test(request.path);
}

/** The project, in normal form, that the last segment names; nothing for the list of all projects at `/simple/`. */
function projectOfPath(path: string): string | undefined {
  const segments = path.split('/');
  const name = decodeSegment((segments.at(-1) === '' ? segments.at(-2) : segments.at(-1)) ?? '');
  if (name === undefined || !isProjectName(name) || (name === 'simple' && !path.includes('/simple/simple'))) return undefined;
  return normaliseProjectName(name);
}
