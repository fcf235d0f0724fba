import type { Inspector } from '../../inspection/inspector.js';
import { declaredModule, goModLimit } from './go-mod.js';
import { goModHash } from './module-hash.js';
import { modulePurl } from './module-path.js';
import { findSums, rememberGoMod } from './module-sums.js';
import { isCanonicalVersion } from './module-version.js';
import { parseProxyPath } from './proxy-path.js';

/**
 * `go.mod` files of the module proxy protocol, see docs/reference/inspectors/go.md. `go` asks the checksum database for a module only once it
 * has its go.mod, so a sound one is approved as an index is, and the database's answer is refused when it was another.
 */
export const goModInspector: Inspector = {
  id: 'go.module.mod',
  inspectRequest: (request) =>
    request.method === 'GET' && parseProxyPath(request.path)?.kind === 'mod' ? { opinion: 'Pending', reason: 'valid URL for a go.mod' } : undefined,
  inspectResponse: async (request, response, body, { knowledge }) => {
    const asked = parseProxyPath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    if (!isCanonicalVersion(asked.version)) return { opinion: 'Rejected', reason: `the go.mod was asked for by ${JSON.stringify(asked.version)}, which is not a version` };
    const content = await body.read(goModLimit);
    const declared = declaredModule(content);
    // Another name is no fault: a fork keeps that of the module it replaces.
    const module = asked.modules.includes(declared) ? declared : (asked.modules[0] as string);
    const release = `${module}@${asked.version}`;
    const hash = goModHash(content);
    const metadata = { type: 'application/x.go.module.mod', name: module, version: asked.version, purl: modulePurl(module, asked.version) };
    const sums = (await findSums(knowledge, release)).filter(({ goMod }) => goMod !== '');
    if (sums.some(({ goMod }) => goMod !== hash))
      return { opinion: 'Rejected', reason: `the go.mod's hash ${hash} is not the one that the checksum database has for ${release}`, metadata };
    await rememberGoMod(knowledge, release, { url: request.url, hash });
    return {
      opinion: 'Approved',
      reason: sums.length > 0 ? 'valid go.mod, its hash is what the checksum database answered' : 'valid go.mod; its hash is compared as soon as the checksum database is asked',
      annotations: { 'declared-module': declared, h1: hash },
      metadata,
    };
  },
};
