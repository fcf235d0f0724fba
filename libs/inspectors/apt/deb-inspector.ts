import type { Inspector } from '../../inspection/inspector.js';
import { readBinaryPackage } from './binary-package.js';
import { judgeFile } from './judge-file.js';
import { debPurl, describePackage } from './package-metadata.js';
import { plainPath } from './repository-path.js';

/** Binary packages of Debian, also those of the installer and of debug symbols, see docs/reference/inspectors/apt.md. */
export const debInspector: Inspector = {
  id: 'deb',
  inspectRequest: (request) =>
    request.method === 'GET' && /\.(?:deb|udeb|ddeb)$/.test(plainPath(request.path)) ? { opinion: 'Pending', reason: 'valid URL for a Debian package' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const read = await readBinaryPackage(body, context);
    const { control, name, version, architecture, copyright, entries } = read;
    const { opinion } = await judgeFile({ request, body, context, kind: 'packages', what: 'Debian package' });
    return {
      ...opinion,
      annotations: { ...opinion.annotations, 'data-entries': entries ?? 'not unpacked: larger than 64 MiB' },
      metadata: {
        ...opinion.metadata,
        ...describePackage(control),
        type: 'application/vnd.debian.binary-package',
        name,
        version,
        architecture,
        license: copyright.license,
        copyright: copyright.copyright,
        sourcePackage: /^[^\s(]+/.exec(control.get('source') ?? '')?.[0] ?? name,
        purl: debPurl({ name, version, architecture, vendor: opinion.metadata?.vendor }),
      },
    };
  },
};
