import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { isAskedByInspector } from '../declarations/asked-by-inspector.js';
import { explainHidden, readPublicationTime } from '../declarations/publication-time.js';
import { modulePurl } from './module-path.js';
import { isCanonicalVersion, isSemanticVersion, sameRelease } from './module-version.js';
import { parseProxyPath, proxyOf, type ProxyPath } from './proxy-path.js';
import { rememberTime } from './release-time.js';
import { hideYoungLines } from './visible-list.js';

const listLimit = 16 * 1024 * 1024;
const infoLimit = 1024 * 1024;
const maxVersions = 500_000;

/** Lists of versions and what is said of one of them (`.info`, `@latest`), see docs/reference/inspectors/go.md. */
export const goVersionInspector: Inspector = {
  id: 'go.module.version',
  inspectRequest: (request) =>
    request.method === 'GET' && asksForVersions(parseProxyPath(request.path)) ? { opinion: 'Pending', reason: 'valid URL for versions of a Go module' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const asked = parseProxyPath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    return asked.kind === 'list' ? judgeList({ request, asked, context }, body) : judgeInfo({ request, asked, context }, body);
  },
};

interface Subject {
  readonly request: InspectedRequest;
  readonly asked: ProxyPath;
  readonly context: InspectionContext;
}

function asksForVersions(asked: ProxyPath | undefined): boolean {
  return asked?.kind === 'list' || asked?.kind === 'latest' || asked?.kind === 'info';
}

/** A version a line, in proxies of old with a time after it. An empty list is honest: the module has no tags. */
async function judgeList({ request, asked, context }: Subject, body: InspectedBody): Promise<ResponseInspection> {
  const lines = (await body.read(listLimit)).toString('utf8').split('\n', maxVersions + 1);
  if (lines.length > maxVersions) throw limitExceeded(`the list has more than ${maxVersions} versions`);
  const versions = lines.map((line) => line.trim()).filter((line) => line !== '');
  const wrong = versions.findIndex((line) => !isSemanticVersion(line.split(/\s/, 1)[0] ?? ''));
  if (wrong >= 0) throw refusal(`the list of versions holds ${JSON.stringify(versions[wrong]?.slice(0, 64))}, which is none`);
  const module = asked.modules[0] as string;
  const limit = context.visibleUntil?.('go', module);
  const hidden = limit === undefined ? undefined : await hideYoungLines(versions, { limit, module, proxy: proxyOf(request, module), context });
  return {
    opinion: 'Approved',
    reason: hidden === undefined ? 'valid list of versions' : `valid list of versions; ${hidden.reason}`,
    annotations: { versions: versions.length },
    metadata: { type: 'application/x.go.module.list', name: module, purl: modulePurl(module, '') },
    ...(hidden === undefined ? {} : { replacement: hidden }),
  };
}

/** `Version` is what the name that was asked for stands for: a branch and `latest` may stand for any. */
async function judgeInfo(subject: Subject, body: InspectedBody): Promise<ResponseInspection> {
  const { request, asked, context } = subject;
  const { version, published } = readInfo(parseBoundedJson(await body.read(infoLimit)), asked);
  const module = asked.modules[0] as string;
  const release = { module, version, proxy: proxyOf(request, module) };
  await rememberTime(release, published, context);
  // The list of versions asks for times in order to hide what is too young: the answer is not for the build.
  const limit = isAskedByInspector(request) ? undefined : context.visibleUntil?.('go', module);
  const hidden = explainHidden({ label: `${module}@${version}`, published }, limit);
  return {
    ...(hidden === undefined ? { opinion: 'Approved', reason: 'valid information on a version' } : { opinion: 'Rejected', reason: hidden }),
    annotations: { time: published === '' ? null : published },
    metadata: { type: 'application/x.go.module.info', name: module, version, purl: modulePurl(module, version), published },
  };
}

function readInfo(info: unknown, asked: ProxyPath): { readonly version: string; readonly published: string } {
  const version = isRecord(info) ? own(info, 'Version') : undefined;
  const time = isRecord(info) ? own(info, 'Time') : undefined;
  const published = readPublicationTime(time);
  if (typeof version !== 'string' || !isCanonicalVersion(version)) throw refusal('the information on the module has no valid version');
  if (time !== undefined && published === '') throw refusal('the information on the module has no valid time');
  if (isCanonicalVersion(asked.version) && !sameRelease(version, asked.version))
    throw refusal(`the information on the module is of version ${version}, but ${asked.version} was asked for`);
  return { version, published };
}
