import { readdir, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../errors/millrace-error.js';
import type { GitLimits } from './git-limits.js';

/** Counts what `git ls-tree -r -l -z` lists, as it comes. Errors: `source-invalid` as soon as it is too much. */
export function createTreeCounter(limits: Pick<GitLimits, 'treeBytes' | 'treeEntries'>, repository: string): (chunk: Buffer) => void {
  const tooLarge = (what: string): MillraceError => new MillraceError('source-invalid', `the git repository ${repository} has more than ${what} in that commit, the most that is accepted`);
  let rest = '';
  let entries = 0;
  let bytes = 0;
  return (chunk) => {
    const lines = (rest + chunk.toString('latin1')).split('\0');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      entries += 1;
      bytes += Number(/^\d+ blob \S+ +(\d+)\t/.exec(line)?.[1] ?? 0);
    }
    if (rest.length > 8192) throw new MillraceError('source-invalid', `the git repository ${repository} has a path of more than 8192 characters in that commit`);
    if (entries > limits.treeEntries) throw tooLarge(`${limits.treeEntries} files`);
    if (bytes > limits.treeBytes) throw tooLarge(`${limits.treeBytes} bytes of files`);
  };
}

/** Takes away links that lead out of the tree, or nowhere, so that nobody who reads it can be led elsewhere. Paths of the answer are relative and sorted. */
export async function settleLinks(directory: string): Promise<{ readonly files: readonly string[]; readonly omittedLinks: readonly string[] }> {
  const root = await realpath(directory);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const [files, links]: [string[], string[]] = [[], []];
  for (const entry of entries) {
    const place = path.join(entry.parentPath, entry.name);
    if (entry.isFile()) files.push(path.relative(root, place));
    else if (entry.isSymbolicLink() && !(await leadsInside(root, place))) links.push(path.relative(root, place));
  }
  for (const link of links) await rm(path.join(root, link));
  return { files: files.sort(), omittedLinks: links.sort() };
}

async function leadsInside(root: string, link: string): Promise<boolean> {
  const real = await realpath(link).catch(() => undefined);
  return real !== undefined && (real === root || real.startsWith(`${root}${path.sep}`));
}
