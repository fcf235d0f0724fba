import type { InspectedRequest } from '../../inspection/inspector.js';
import { escapeModule, possibleModules, unescapeModule } from './module-path.js';

/** What a path of a module proxy asks for. */
export interface ProxyPath {
  readonly kind: 'list' | 'latest' | 'info' | 'mod' | 'zip';
  /** Never empty, the longest first. */
  readonly modules: readonly string[];
  /** A version, or a branch or commit of `.info`; empty for `list` and `latest`. */
  readonly version: string;
}

const filePattern = /^(.+)\/@v\/([^/]+)\.(info|mod|zip)$/;

/** Undefined for a path that is not one of the module proxy protocol, whatever the proxy's own path is. */
export function parseProxyPath(path: string): ProxyPath | undefined {
  const plain = decode(path);
  if (plain === undefined) return undefined;
  if (plain.endsWith('/@latest')) return proxyPath('latest', plain.slice(0, -'/@latest'.length), '');
  if (plain.endsWith('/@v/list')) return proxyPath('list', plain.slice(0, -'/@v/list'.length), '');
  const [, module = '', version = '', kind] = filePattern.exec(plain) ?? [];
  return kind === undefined ? undefined : proxyPath(kind as 'info' | 'mod' | 'zip', module, version);
}

function proxyPath(kind: ProxyPath['kind'], escapedModule: string, escapedVersion: string): ProxyPath | undefined {
  // The proxy's own path is not escaped as modules are: only what follows its last letter in upper case can be one.
  const upper = escapedModule.split('/').findLastIndex((element) => /[A-Z]/.test(element));
  const module = unescapeModule(
    escapedModule
      .split('/')
      .slice(upper + 1)
      .join('/'),
  );
  const version = unescapeModule(escapedVersion);
  if (module === undefined || version === undefined) return undefined;
  const modules = possibleModules(module);
  return modules.length === 0 ? undefined : { kind, modules, version };
}

/** URL of the proxy, without `/` at its end, that a request for files of the module was sent to. */
export function proxyOf(request: InspectedRequest, module: string): string {
  const plain = decode(request.path) ?? request.path;
  const end = plain.lastIndexOf(`/${escapeModule(module)}/@`);
  return request.origin + encodeURI(plain.slice(0, Math.max(0, end)));
}

function decode(path: string): string | undefined {
  try {
    const plain = decodeURIComponent(path);
    return plain.length > 8192 || plain.includes('\0') ? undefined : plain;
  } catch {
    return undefined;
  }
}
