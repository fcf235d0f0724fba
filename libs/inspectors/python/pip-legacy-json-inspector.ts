import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { decodeSegment } from '../declarations/declared-url.js';
import { explainHidden, explainTimeless } from '../declarations/publication-time.js';
import { rememberIndex } from '../declarations/seen-indexes.js';
import { rememberProject } from './declared-distribution.js';
import { hideYoungReleases, readLegacyJson, type LegacyDocument } from './legacy-json.js';
import { isProjectName, normaliseProjectName, pypiPurl } from './project-name.js';

/** Decoded bytes; the largest documents of the public index have some 30 MB. */
const documentLimit = 64 * 1024 * 1024;

/** The JSON API that indexes had before the simple one, which poetry and other tools ask, see docs/reference/inspectors/python.md. */
export const pipLegacyJsonInspector: Inspector = {
  id: 'pip.legacy-json',
  inspectRequest: (request) =>
    request.method === 'GET' && parsePath(request.path) !== undefined ? { opinion: 'Pending', reason: 'valid URL for the JSON API of a Python index' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const asked = parsePath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    const document = parseBoundedJson(await body.read(documentLimit));
    const read = readLegacyJson(document, asked, request.url);
    const annotations = await rememberProject(read.files, { project: asked.project, index: request.origin + request.path }, context);
    // Where indexes that have this API keep the project's page: it declares all releases, this perhaps one.
    await rememberIndex(context.knowledge, 'pip', { url: `${request.origin + request.path.slice(0, request.path.lastIndexOf('/pypi/'))}/simple/`, signal: context.signal });
    const version = asked.version === undefined ? '' : read.version;
    const metadata = { type: 'application/x.python.project-json', name: asked.project, version, purl: pypiPurl(asked.project, version) };
    return { ...judgeVisibility(isRecord(document) ? document : {}, { asked, read }, context), annotations, metadata };
  },
};

interface Asked {
  readonly project: string;
  /** Undefined: the whole project. */
  readonly version: string | undefined;
}

/** `/pypi/<project>/json` and `/pypi/<project>/<version>/json`, below any base; not the page of a project `json` of an index `/pypi/…/simple/`. */
function parsePath(path: string): Asked | undefined {
  if (path.includes('/simple/')) return undefined;
  const [, project = '', version] = /\/pypi\/([^/]+)(?:\/([^/]+))?\/json\/?$/.exec(path) ?? [];
  const name = decodeSegment(project);
  if (name === undefined || !isProjectName(name)) return undefined;
  const release = version === undefined ? undefined : decodeSegment(version);
  return version !== undefined && release === undefined ? undefined : { project: normaliseProjectName(name), version: release };
}

function judgeVisibility(document: Record<string, unknown>, { asked, read }: { asked: Asked; read: LegacyDocument }, { visibleUntil }: InspectionContext): ResponseInspection {
  const limit = visibleUntil?.('pip', asked.project);
  const reason = 'valid document of a Python project';
  if (limit === undefined) return { opinion: 'Approved', reason };
  if (asked.version !== undefined) {
    const hidden = explainHidden({ label: `${asked.project} ${read.version}`, published: read.published }, limit);
    if (hidden !== undefined) return { opinion: 'Rejected', reason: hidden };
  }
  const replacement = hideYoungReleases(asked.version === undefined ? document : { ...document, releases: { [read.version]: own(document, 'urls') } }, limit);
  if (replacement === 'timeless') return { opinion: 'Rejected', reason: explainTimeless(`the document of ${asked.project}`, limit, 'use an index that gives upload times') };
  return replacement === undefined ? { opinion: 'Approved', reason } : { opinion: 'Approved', reason: `${reason}; ${replacement.reason}`, replacement };
}
