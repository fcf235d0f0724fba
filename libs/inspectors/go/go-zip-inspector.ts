import type { Inspector } from '../../inspection/inspector.js';
import { judgeModuleZip } from './judge-module-zip.js';
import { modulePurl } from './module-path.js';
import { readModuleZip } from './module-zip.js';
import { parseProxyPath } from './proxy-path.js';

/** Zips of the module proxy protocol, see docs/reference/inspectors/go.md. */
export const goZipInspector: Inspector = {
  id: 'go.module.zip',
  inspectRequest: (request) =>
    request.method === 'GET' && parseProxyPath(request.path)?.kind === 'zip' ? { opinion: 'Pending', reason: 'valid URL for a Go module zip' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const asked = parseProxyPath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    const zip = await readModuleZip(body, { response, context });
    const opinion =
      asked.modules.includes(zip.module) && asked.version === zip.version
        ? await judgeModuleZip(zip, context.knowledge)
        : ({ opinion: 'Rejected', reason: `the module zip holds ${zip.module}@${zip.version}, but its URL is that of ${asked.modules[0]}@${asked.version}` } as const);
    return {
      ...opinion,
      annotations: { ...opinion.annotations, files: zip.files, h1: zip.hash },
      metadata: { type: 'application/x.go.module.zip', name: zip.module, version: zip.version, purl: modulePurl(zip.module, zip.version) },
    };
  },
};
