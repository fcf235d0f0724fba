import type { InspectedRequest } from '../../inspection/inspector.js';
import { normalisePath } from '../declarations/declared-url.js';

/** A request of git's HTTP protocols (gitprotocol-http). */
export interface GitRequest {
  readonly kind: 'info-refs' | 'upload-pack' | 'push' | 'dumb';
  /** Origin and path of the repository, as the client wrote it: what is learnt of one is not believed of another. */
  readonly repository: string;
}

const dumbPath = /^(.+)\/objects\/(?:info\/(?:packs|alternates|http-alternates)|[0-9a-f]{2}\/[0-9a-f]{38,62}|pack\/pack-[0-9a-f]{40,64}\.(?:pack|idx))$/;

/** Tells by method, path and query alone, so at any host and under any path. */
export function parseGitRequest(request: InspectedRequest): GitRequest | undefined {
  const of = (kind: GitRequest['kind'], path: string): GitRequest => ({ kind, repository: request.origin + normalisePath(path) });
  const { path, method } = request;
  if (method === 'GET' && path.endsWith('/info/refs')) {
    const repository = path.slice(0, -'/info/refs'.length);
    const service = new URLSearchParams(request.query).get('service');
    if (service === 'git-upload-pack') return of('info-refs', repository);
    if (service === 'git-receive-pack') return of('push', repository);
    return isGitClient(request) ? of('dumb', repository) : undefined;
  }
  if (method === 'POST' && path.endsWith('/git-upload-pack')) return of('upload-pack', path.slice(0, -'/git-upload-pack'.length));
  if (method === 'POST' && path.endsWith('/git-receive-pack')) return of('push', path.slice(0, -'/git-receive-pack'.length));
  const dumb = method === 'GET' && isGitClient(request) ? dumbPath.exec(path) : null;
  return dumb === null ? undefined : of('dumb', dumb[1] as string);
}

/** A hint, never a proof. */
function isGitClient(request: InspectedRequest): boolean {
  return request.header('user-agent')?.startsWith('git/') === true;
}

/** The last part of a repository's path without `.git`: what people call it. */
export function repositoryName(repository: string): string {
  const name = /([^/]+?)(?:\.git)?\/*$/.exec(new URL(repository).pathname)?.[1] ?? '';
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** `pkg:generic/name@commit?vcs_url=git%2Bhttps://host/path%40commit` (package URL specification, qualifier `vcs_url`). */
export function repositoryPurl(repository: string, commit: string): string {
  const url = new URL(repository).href.replace(/\/$/, '');
  return `pkg:generic/${encodeURIComponent(repositoryName(repository))}@${commit}?vcs_url=${encodeURIComponent(`git+${url}@${commit}`).replaceAll('%2F', '/').replaceAll('%3A', ':')}`;
}
