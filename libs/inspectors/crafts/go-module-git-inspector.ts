import type { Inspector } from '../../inspection/inspector.js';
import { matchesConfiguredUrls } from '../git/git-configuration.js';
import { parseGitRequest } from '../git/git-path.js';
import { declaredModule } from '../go/go-mod.js';
import { isModulePath, modulePurl } from '../go/module-path.js';
import { isCanonicalVersion } from '../go/module-version.js';
import { readProjectFetch } from './project-fetch.js';

/** Go modules that `go` fetches with git (GOPROXY=direct), see docs/reference/inspectors/crafts.md. */
export const goModuleGitInspector: Inspector = {
  id: 'go.module.git',
  inspectRequest: (request, { configuration }) =>
    parseGitRequest(request)?.kind === 'upload-pack' && matchesConfiguredUrls(configuration, 'git', request.url) !== false
      ? { opinion: 'Pending', reason: 'valid URL for go module download' }
      : undefined,
  inspectResponse: async (request, response, body, context) => {
    const fetched = await readProjectFetch(request, { response, body, context });
    if (fetched === undefined) return undefined;
    const goMod = fetched.files.get('go.mod');
    if (goMod === undefined) return { opinion: 'Unknown', reason: 'git repository does not contain a go.mod file' };
    const module = declaredModule(goMod);
    if (!isModulePath(module)) return { opinion: 'Unknown', reason: `the go.mod declares ${JSON.stringify(module.slice(0, 120))}, which is no module path` };
    const version = taggedVersion(fetched.commit.refs);
    if (version === undefined) return { opinion: 'Unknown', reason: `no version tag that the repository listed in this session names the commit ${fetched.commit.id} of ${module}` };
    const metadata = { type: 'application/x.go.module.git-repo', name: module, version, purl: modulePurl(module, version) };
    if (!fitsMajor(module, version)) return { opinion: 'Unknown', reason: `the tag ${version} is not one of the major version that the module path ${module} names`, metadata };
    return { opinion: 'Approved', reason: 'valid Go module in a git repository', annotations: { commit: fetched.commit.id }, metadata };
  },
};

/** The version of the first tag that is one. A tag of a module in a subfolder has the folder's name before it and is none of the root's. */
function taggedVersion(refs: readonly string[]): string | undefined {
  return refs.map((ref) => /^refs\/tags\/(.+?)(?:\^\{\})?$/.exec(ref)?.[1] ?? '').find(isCanonicalVersion);
}

/** From version 2 on the path ends with the major version, after a slash or, at one old service, a dot (Go modules reference, "Major version suffixes"). */
function fitsMajor(module: string, version: string): boolean {
  const major = Number(/^v(\d+)/.exec(version)?.[1]);
  const suffix = /[/.]v(\d+)$/.exec(module);
  const declared = suffix?.[1];
  return declared === undefined ? major < 2 : Number(declared) === major;
}
