import path from 'node:path';

const mediaTypes: Readonly<Record<string, string>> = {
  '.rpm': 'application/x-rpm',
  '.xml': 'application/xml',
  '.json': 'application/json; charset=utf-8',
  '.gz': 'application/gzip',
  '.zst': 'application/zstd',
  '.xz': 'application/x-xz',
  '.bz2': 'application/x-bzip2',
  '.iso': 'application/x-iso9660-image',
  '.repo': 'text/plain; charset=utf-8',
  '.log': 'text/plain; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.conf': 'text/plain; charset=utf-8',
  '.asc': 'application/pgp-signature',
};

/** Media type by the name alone: what is in a compose comes from elsewhere. */
export function mediaTypeOf(file: string): string {
  const name = path.basename(file);
  const extension = path.extname(name).toLowerCase();
  return extension === '' && /^[A-Z_]+$/.test(name) ? 'text/plain; charset=utf-8' : (mediaTypes[extension] ?? 'application/octet-stream');
}

/** Metadata that is named for its digest and packages never change below one URL. */
export function isFixed(file: string): boolean {
  const name = path.basename(file);
  return name.endsWith('.rpm') || (/^[0-9a-f]{64}-/.test(name) && path.basename(path.dirname(file)) === 'repodata');
}

/** What is not fixed is asked for again. */
export function cacheControlOf(file: string): string {
  return isFixed(file) ? 'public, max-age=31536000, immutable' : 'public, no-cache';
}

/** Documents of strangers are served from the API's own origin: as a page they may neither run anything nor reach it. */
export const documentPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'";
