import type { InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { judgeModuleZip } from './judge-module-zip.js';
import { modulePurl } from './module-path.js';
import { readModuleZip, type ModuleZip } from './module-zip.js';
import { parseProxyPath, proxyOf, type ProxyPath } from './proxy-path.js';
import { judgeAge } from './release-time.js';

/** Zips of the module proxy protocol, see docs/reference/inspectors/go.md. */
export const goZipInspector: Inspector = {
  id: 'go.module.zip',
  inspectRequest: (request) =>
    request.method === 'GET' && parseProxyPath(request.path)?.kind === 'zip' ? { opinion: 'Pending', reason: 'valid URL for a Go module zip' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const asked = parseProxyPath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    const zip = await readModuleZip(body, { response, context });
    const release = { module: zip.module, version: zip.version, proxy: proxyOf(request, zip.module) };
    const age = await judgeAge(release, context);
    const opinion = await judge(zip, { asked, age, context, proxy: release.proxy });
    return {
      ...opinion,
      annotations: { ...opinion.annotations, files: zip.files, h1: zip.hash },
      metadata: {
        type: 'application/x.go.module.zip',
        name: zip.module,
        version: zip.version,
        purl: modulePurl(zip.module, zip.version),
        published: age.published,
      },
    };
  },
};

interface Circumstances {
  readonly asked: ProxyPath;
  readonly age: Awaited<ReturnType<typeof judgeAge>>;
  readonly proxy: string;
  readonly context: InspectionContext;
}

async function judge(zip: ModuleZip, { asked, age, proxy, context }: Circumstances): Promise<ResponseInspection> {
  if (!asked.modules.includes(zip.module) || asked.version !== zip.version)
    return { opinion: 'Rejected', reason: `the module zip holds ${zip.module}@${zip.version}, but its URL is that of ${asked.modules[0]}@${asked.version}` };
  if (age.hidden !== undefined) return { opinion: 'Rejected', reason: age.hidden };
  return judgeModuleZip(zip, { proxy, context });
}
