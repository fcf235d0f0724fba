import { decodeSegment } from '../declarations/declared-url.js';

// Old packages have upper-case letters and the characters that are not forbidden in a URL; none starts with a dot or an underscore.
const plainName = /^[A-Za-z0-9\-~!'()*][A-Za-z0-9\-._~!'()*]{0,213}$/;
const scopedName = /^@[A-Za-z0-9\-_~.!'()*]{1,214}\/[A-Za-z0-9\-_.~!'()*]{1,214}$/;

export function isPackageName(name: string): boolean {
  return name.startsWith('@') ? scopedName.test(name) : plainName.test(name);
}

/** The package that a document path names, under whatever base path the registry has: `/base/@scope%2fname`, `/@scope/name`, `/name`. */
export function packageNameOfPath(path: string): { name: string; basePath: string } | undefined {
  const segments = path.split('/');
  const last = decodeSegment(segments.at(-1) ?? '');
  if (last === undefined) return undefined;
  const scope = segments.length > 2 ? decodeSegment(segments.at(-2) ?? '') : undefined;
  const scoped = scope?.startsWith('@') === true;
  const name = scoped ? `${scope}/${last}` : last;
  if (!isPackageName(name)) return undefined;
  return { name, basePath: segments.slice(0, scoped ? -2 : -1).join('/') };
}

/** The document of the package whose tarball lies at `…/<name>/-/<file>.tgz`, where registries keep it beside it; undefined for any other path. */
export function documentOfTarball(path: string): { name: string; path: string } | undefined {
  const end = path.lastIndexOf('/-/');
  const asked = end < 0 ? undefined : packageNameOfPath(path.slice(0, end));
  if (asked === undefined) return undefined;
  return { name: asked.name, path: `${asked.basePath}/${asked.name.replace('/', '%2f')}` };
}

/** `pkg:npm/%40scope/name@version` */
export function npmPurl(name: string, version: string): string {
  const path = name
    .split('/')
    .map((segment) => encodeURIComponent(segment))
    .join('/');
  return version === '' ? `pkg:npm/${path}` : `pkg:npm/${path}@${encodeURIComponent(version)}`;
}

/** A version as npm compares it with a document's key: without `v` or `=` before it and zeros before a number. */
export function normaliseNpmVersion(version: string): string {
  const trimmed = version
    .trim()
    .slice(0, 256)
    .replace(/^[=v]{1,8}/, '');
  const plain = trimmed.split('+')[0] as string; // build metadata takes no part in the comparison
  return plain
    .split('.')
    .map((part) => (/^\d+$/.test(part) ? part.replace(/^0+(?=\d)/, '') : part))
    .join('.');
}
