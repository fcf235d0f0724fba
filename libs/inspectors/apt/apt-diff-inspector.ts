import type { Inspector } from '../../inspection/inspector.js';
import { judgeFile } from './judge-file.js';
import { plainPath } from './repository-path.js';

/** Patches of an index (`Packages.diff/2026-….gz`, also by hash), declared by the `Index` beside them. */
export const aptDiffInspector: Inspector = {
  id: 'apt.diff',
  inspectRequest: (request) =>
    request.method === 'GET' && /\.diff\/(?:by-hash\/SHA256\/[0-9a-fA-F]{64}|[^/]+\.(?:gz|xz|zst|bz2|lzma))$/.test(plainPath(request.path))
      ? { opinion: 'Pending', reason: 'valid URL for a patch of an apt index' }
      : undefined,
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    // Not by consulting: what declares a patch is no index of packages.
    const { opinion } = await judgeFile({ request, body, context: { ...context, consult: undefined }, kind: 'packages', what: 'patch of an index' });
    // Also the list of the patches is asked for by hash; then that is what the release declares.
    if (opinion.opinion === 'Unknown' && request.path.includes('/by-hash/')) return undefined;
    return { ...opinion, metadata: { ...opinion.metadata, type: 'application/x.apt.diff' } };
  },
};
