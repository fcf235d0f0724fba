import { parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { decodeSegment } from '../declarations/declared-url.js';
import { explainTimeless } from '../declarations/publication-time.js';
import { rememberIndex } from '../declarations/seen-indexes.js';
import { rememberProject } from './declared-distribution.js';
import { isProjectName, normaliseProjectName, pypiPurl } from './project-name.js';
import { parseHtmlIndex, readJsonIndex } from './simple-index.js';
import { hideYoungFiles } from './visible-page.js';

/** Decoded bytes; the largest project pages of the public index have some 20 MB. */
const pageLimit = 64 * 1024 * 1024;
const jsonPage = 'application/vnd.pypi.simple.v1+json';

/** Project pages of the simple repository API, see docs/reference/inspectors/python.md. */
export const pipSimpleIndexInspector: Inspector = {
  id: 'pip.simple-index',
  inspectRequest: (request) => (asksForProjectPage(request) ? { opinion: 'Pending', reason: 'valid URL for a Python project page' } : undefined),
  upstreamAccept: (request, { visibleUntil }) => {
    const project = projectOfPath(request.path);
    // Only JSON has times; an installer that reads HTML alone gets HTML, and is refused then.
    const readsJson = request.header('accept')?.includes(jsonPage) === true;
    return project !== undefined && readsJson && visibleUntil?.('pip', project) !== undefined ? jsonPage : undefined;
  },
  inspectResponse: async (request, response, body, context) => {
    const project = projectOfPath(request.path);
    if (response.status !== 200 || project === undefined) return undefined;
    const bytes = await body.read(pageLimit);
    // By the first byte: a JSON page is an object, an HTML page never starts with a brace.
    const page = /^\s{0,64}\{/.test(bytes.toString('latin1', 0, 65)) ? parseBoundedJson(bytes) : undefined;
    const files = page === undefined ? parseHtmlIndex(bytes, request.url) : readJsonIndex(page, project, request.url);
    const metadata = { type: 'application/x.python.simple-index', name: project, purl: pypiPurl(project, '') };
    const learnt = await rememberProject(files, { project, index: request.origin + request.path }, context);
    await rememberIndex(context.knowledge, 'pip', { url: indexOf(request), signal: context.signal });
    return { ...judgeVisibility(page, project, context), annotations: learnt, metadata };
  },
};

function judgeVisibility(page: unknown, project: string, { visibleUntil }: InspectionContext): ResponseInspection {
  const limit = visibleUntil?.('pip', project);
  const hidden = limit === undefined ? undefined : hideYoungFiles(page, limit);
  if (limit !== undefined && hidden === 'timeless')
    return { opinion: 'Rejected', reason: explainTimeless(`the project page of ${project}`, limit, 'use an index and an installer that speak JSON (PEP 691) with upload times (PEP 700)') };
  const reason = 'valid Python project page';
  return hidden === undefined || hidden === 'timeless' ? { opinion: 'Approved', reason } : { opinion: 'Approved', reason: `${reason}; ${hidden.reason}`, replacement: hidden };
}

/** URL of the whole index: without the project. */
function indexOf({ origin, path }: InspectedRequest): string {
  const plain = path.endsWith('/') ? path.slice(0, -1) : path;
  return origin + plain.slice(0, plain.lastIndexOf('/') + 1);
}

function asksForProjectPage(request: InspectedRequest): boolean {
  if (request.method !== 'GET') return false;
  if (!request.path.includes('/simple/') && request.header('accept')?.includes('application/vnd.pypi.simple.v1+') !== true) return false;
  return projectOfPath(request.path) !== undefined && !/\.(?:whl|gz|tgz|bz2|xz|zip|metadata)$/.test(request.path);
}

/** The project, in normal form, that the last segment names; nothing for the list of all projects at `/simple/`. */
function projectOfPath(path: string): string | undefined {
  const segments = path.split('/');
  const name = decodeSegment((segments.at(-1) === '' ? segments.at(-2) : segments.at(-1)) ?? '');
  if (name === undefined || !isProjectName(name) || (name === 'simple' && !path.includes('/simple/simple'))) return undefined;
  return normaliseProjectName(name);
}
