import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { RepositoryPackage } from '../repository-writer.js';

export interface PackageFiles {
  /** As a writer wants it: `file` of a content store. */
  readonly content: { readonly file: (sha256: string) => string };
  /** Sorted by their places. */
  readonly packages: readonly RepositoryPackage[];
}

/** All `*.rpm` below a directory. */
export function findPackageFiles(directory: string): PackageFiles {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.rpm')).sort();
  const files = new Map<string, string>();
  const packages = names.map((href) => {
    const file = path.join(directory, href);
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
    files.set(sha256, file);
    return { sha256, href, fileTime: Math.floor(statSync(file).mtimeMs / 1000) };
  });
  return { content: { file: (sha256) => files.get(sha256) ?? path.join(directory, sha256) }, packages };
}
