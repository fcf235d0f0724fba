import { isRecord, own, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedBody, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { modulePurl } from './module-path.js';
import { isCanonicalVersion, isSemanticVersion, sameRelease } from './module-version.js';
import { parseProxyPath, type ProxyPath } from './proxy-path.js';

const listLimit = 16 * 1024 * 1024;
const infoLimit = 1024 * 1024;
const maxVersions = 500_000;

/** Lists of versions and what is said of one of them (`.info`, `@latest`), see docs/reference/inspectors/go.md. */
export const goVersionInspector: Inspector = {
  id: 'go.module.version',
  inspectRequest: (request) =>
    request.method === 'GET' && asksForVersions(parseProxyPath(request.path)) ? { opinion: 'Pending', reason: 'valid URL for versions of a Go module' } : undefined,
  inspectResponse: async (request, response, body) => {
    const asked = parseProxyPath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    return asked.kind === 'list' ? judgeList(asked, body) : judgeInfo(asked, body);
  },
};

function asksForVersions(asked: ProxyPath | undefined): boolean {
  return asked?.kind === 'list' || asked?.kind === 'latest' || asked?.kind === 'info';
}

/** A version a line, in proxies of old with a time after it. An empty list is honest: the module has no tags. */
async function judgeList(asked: ProxyPath, body: InspectedBody): Promise<ResponseInspection> {
  const lines = (await body.read(listLimit)).toString('utf8').split('\n', maxVersions + 1);
  if (lines.length > maxVersions) throw limitExceeded(`the list has more than ${maxVersions} versions`);
  const versions = lines.map((line) => line.trim()).filter((line) => line !== '');
  const wrong = versions.findIndex((line) => !isSemanticVersion(line.split(/\s/, 1)[0] ?? ''));
  if (wrong >= 0) throw refusal(`the list of versions holds ${JSON.stringify(versions[wrong]?.slice(0, 64))}, which is none`);
  return {
    opinion: 'Approved',
    reason: 'valid list of versions',
    annotations: { versions: versions.length },
    metadata: { type: 'application/x.go.module.list', name: asked.modules[0] as string, purl: modulePurl(asked.modules[0] as string, '') },
  };
}

/** `Version` is what the name that was asked for stands for: a branch and `latest` may stand for any. */
async function judgeInfo(asked: ProxyPath, body: InspectedBody): Promise<ResponseInspection> {
  const info = parseBoundedJson(await body.read(infoLimit));
  const version = isRecord(info) ? own(info, 'Version') : undefined;
  const time = isRecord(info) ? own(info, 'Time') : undefined;
  if (typeof version !== 'string' || !isCanonicalVersion(version)) throw refusal('the information on the module has no valid version');
  if (time !== undefined && (typeof time !== 'string' || Number.isNaN(Date.parse(time)))) throw refusal('the information on the module has no valid time');
  if (isCanonicalVersion(asked.version) && !sameRelease(version, asked.version))
    throw refusal(`the information on the module is of version ${version}, but ${asked.version} was asked for`);
  const module = asked.modules[0] as string;
  return {
    opinion: 'Approved',
    reason: 'valid information on a version',
    annotations: { time: time ?? null },
    metadata: { type: 'application/x.go.module.info', name: module, version, purl: modulePurl(module, version) },
  };
}
