import { isModulePath, unescapeModule } from './module-path.js';
import { isCanonicalVersion } from './module-version.js';

/** What a path of a checksum database asks for, directly or through a module proxy. */
export type SumdbPath = { readonly database: string } & (
  | { readonly kind: 'supported' | 'latest' }
  | { readonly kind: 'lookup'; readonly module: string; readonly version: string }
  | { readonly kind: 'tile'; readonly level: number; readonly index: number; readonly width: number }
);

const throughProxy = /\/sumdb\/([a-z0-9.-]+\.[a-z0-9-]+(?::\d+)?(?:\/[a-z0-9._-]+)*?)(\/(?:supported|latest|lookup\/.+|tile\/.+))$/;
const direct = /^(.*?)(\/(?:latest|lookup\/.+|tile\/.+))$/;

/** Undefined for any other path. A database asked directly is named by host and path, as `go` knows it. */
export function parseSumdbPath(origin: string, path: string): SumdbPath | undefined {
  let plain: string;
  try {
    plain = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  if (plain.length > 8192 || plain.includes('\0')) return undefined;
  const proxied = throughProxy.exec(plain);
  if (proxied !== null) return operation(proxied[1] ?? '', proxied[2] ?? '');
  const [, base = '', rest] = direct.exec(plain) ?? [];
  return rest === undefined ? undefined : operation(origin.replace(/^https?:\/\//, '').replace(/:443$/, '') + base, rest);
}

function operation(database: string, path: string): SumdbPath | undefined {
  if (path === '/supported' || path === '/latest') return { database, kind: path.slice(1) as 'supported' | 'latest' };
  if (path.startsWith('/lookup/')) return lookup(database, path.slice('/lookup/'.length));
  return tile(database, path);
}

function lookup(database: string, release: string): SumdbPath | undefined {
  const at = release.indexOf('@');
  const module = unescapeModule(release.slice(0, at));
  const version = unescapeModule(release.slice(at + 1));
  if (at < 0 || module === undefined || version === undefined || !isModulePath(module) || !isCanonicalVersion(version)) return undefined;
  return { database, kind: 'lookup', module, version };
}

/** `/tile/8/<level>/<index>[.p/<width>]`; an index of more than three digits is split as `x001/x234/567`. */
function tile(database: string, path: string): SumdbPath | undefined {
  const [, level = '', groups, width = '256'] = /^\/tile\/8\/(\d{1,2})\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path) ?? [];
  if (groups === undefined || Number(width) > 256) return undefined;
  return { database, kind: 'tile', level: Number(level), index: Number(groups.replaceAll(/[x/]/g, '')), width: Number(width) };
}
