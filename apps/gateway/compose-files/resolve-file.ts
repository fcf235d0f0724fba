import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';

export type ResolvedFile = { readonly kind: 'file' | 'directory'; /** Absolute, without symbolic links. */ readonly path: string } | { readonly kind: 'missing' };

const missing = { kind: 'missing' } as const;
const longestPath = 2048;

/**
 * Segments of the path of a URL, decoded once; the last is empty where it ends with a slash. Undefined: nothing that may be asked for. Names that begin with
 * a dot are none: what is being written has one.
 */
export function pathSegments(urlPath: string): readonly string[] | undefined {
  if (urlPath.length > longestPath) return undefined;
  const segments: string[] = [];
  for (const [index, encoded] of urlPath.split('/').entries()) {
    const segment = decoded(encoded);
    if (segment === undefined || isHidden(segment) || /[/\\\0]/.test(segment) || (segment === '' && index < urlPath.split('/').length - 1)) return undefined;
    segments.push(segment);
  }
  return segments;
}

/** Two names of installation trees begin with a dot, and installers ask for them. */
function isHidden(segment: string): boolean {
  return segment.startsWith('.') && segment !== '.treeinfo' && segment !== '.discinfo';
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** What these segments name below `root`. A symbolic link that leads out of `root` leads nowhere. */
export async function resolveFile(root: string, segments: readonly string[]): Promise<ResolvedFile> {
  try {
    const [top, target] = await Promise.all([realpath(root), realpath(path.join(root, ...segments))]);
    if (target !== top && !target.startsWith(top + path.sep)) return missing;
    if (path.relative(top, target).split(path.sep).some(isHidden)) return missing;
    const status = await lstat(target);
    if (status.isDirectory()) return { kind: 'directory', path: target };
    // A file has no trailing slash, whatever the operating system thinks of it.
    return status.isFile() && segments.at(-1) !== '' ? { kind: 'file', path: target } : missing;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES'].includes(String((error as NodeJS.ErrnoException).code))) return missing;
    throw error;
  }
}
