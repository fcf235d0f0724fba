import type { InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { consultDatabases } from './consult-database.js';
import { declaredModule, goModLimit } from './go-mod.js';
import { proveInTree } from './judge-module-zip.js';
import { goModHash } from './module-hash.js';
import { modulePurl } from './module-path.js';
import { findSums, rememberGoMod, type DeclaredSums } from './module-sums.js';
import { isCanonicalVersion } from './module-version.js';
import { parseProxyPath, proxyOf } from './proxy-path.js';
import { judgeAge, type ProxiedRelease } from './release-time.js';

/**
 * `go.mod` files of the module proxy protocol, see docs/reference/inspectors/go.md. `go` asks the checksum database for a module only once it
 * has its go.mod, so it is asked here before. When nobody can tell, a sound go.mod is approved as an index is, and an answer of the database that
 * comes after it is refused when it was another.
 */
export const goModInspector: Inspector = {
  id: 'go.module.mod',
  inspectRequest: (request) =>
    request.method === 'GET' && parseProxyPath(request.path)?.kind === 'mod' ? { opinion: 'Pending', reason: 'valid URL for a go.mod' } : undefined,
  inspectResponse: async (request, response, body, context) => {
    const asked = parseProxyPath(request.path);
    if (response.status !== 200 || asked === undefined) return undefined;
    if (!isCanonicalVersion(asked.version)) return { opinion: 'Rejected', reason: `the go.mod was asked for by ${JSON.stringify(asked.version)}, which is not a version` };
    const content = await body.read(goModLimit);
    const declared = declaredModule(content);
    // Another name is no fault: a fork keeps that of the module it replaces.
    const module = asked.modules.includes(declared) ? declared : (asked.modules[0] as string);
    const goMod = { module, version: asked.version, proxy: proxyOf(request, module), hash: goModHash(content) };
    const age = await judgeAge(goMod, context);
    const opinion = age.hidden === undefined ? await judge(goMod, request.url, context) : ({ opinion: 'Rejected', reason: age.hidden } as const);
    return {
      ...opinion,
      annotations: { 'declared-module': declared, h1: goMod.hash },
      metadata: { type: 'application/x.go.module.mod', name: module, version: asked.version, purl: modulePurl(module, asked.version), published: age.published },
    };
  },
};

interface ReceivedGoMod extends ProxiedRelease {
  readonly hash: string;
}

async function judge(goMod: ReceivedGoMod, url: string, context: InspectionContext): Promise<ResponseInspection> {
  const release = `${goMod.module}@${goMod.version}`;
  const sums = await findOrConsult(goMod, context);
  if (sums.some((declared) => declared.goMod !== goMod.hash))
    return { opinion: 'Rejected', reason: `the go.mod's hash ${goMod.hash} is not the one that the checksum database has for ${release}` };
  for (const declared of sums) {
    if (declared.signed && (await proveInTree(declared, { proxy: goMod.proxy, context })) === 'wrong')
      return { opinion: 'Rejected', reason: "the checksum database's record is not in its signed tree" };
  }
  await rememberGoMod(context, release, { url, hash: goMod.hash });
  return {
    opinion: 'Approved',
    reason: sums.length > 0 ? 'valid go.mod, its hash is what the checksum database answered' : 'valid go.mod; its hash is compared as soon as the checksum database is asked',
  };
}

/** With a complete go.sum `go` itself asks no database. A go.mod that none knows is compared later, if ever: it holds nothing that runs. */
async function findOrConsult(goMod: ReceivedGoMod, context: InspectionContext): Promise<readonly DeclaredSums[]> {
  const find = async (): Promise<readonly DeclaredSums[]> => (await findSums(context.knowledge, `${goMod.module}@${goMod.version}`)).filter((declared) => declared.goMod !== '');
  const known = await find();
  if (known.length > 0) return known;
  await consultDatabases(goMod, context);
  return find();
}
