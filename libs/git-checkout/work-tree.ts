import { readdir, realpath, unlink } from 'node:fs/promises';
import { MillraceError } from '../errors/millrace-error.js';
import type { GitLimits } from './git-limits.js';

const separator = Buffer.from('/');

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

interface TreeNames {
  /** Relative, with `/` before each. Bytes: names in git need be no UTF-8, and only their bytes lead to them. */
  readonly files: Buffer[];
  readonly links: Buffer[];
}

/** Takes away links that lead out of the tree, or nowhere, so that nobody who reads it can be led elsewhere. Paths of the answer are relative and sorted. */
export async function settleLinks(directory: string): Promise<{ readonly files: readonly string[]; readonly omittedLinks: readonly string[] }> {
  const root = Buffer.from(await realpath(directory));
  const names: TreeNames = { files: [], links: [] };
  await listTree(root, Buffer.alloc(0), names);
  const omitted: Buffer[] = [];
  for (const link of names.links) if (!(await leadsInside(root, Buffer.concat([root, link])))) omitted.push(link);
  for (const link of omitted) await unlink(Buffer.concat([root, link]));
  return { files: asText(names.files), omittedLinks: asText(omitted) };
}

async function listTree(root: Buffer, below: Buffer, names: TreeNames): Promise<void> {
  for (const entry of await readdir(Buffer.concat([root, below]), { withFileTypes: true, encoding: 'buffer' })) {
    const place = Buffer.concat([below, separator, entry.name]);
    if (entry.isDirectory()) await listTree(root, place, names);
    else if (entry.isFile()) names.files.push(place);
    else if (entry.isSymbolicLink()) names.links.push(place);
  }
}

async function leadsInside(root: Buffer, link: Buffer): Promise<boolean> {
  const real = await realpath(link, 'buffer').catch(() => undefined);
  return real !== undefined && (real.equals(root) || real.subarray(0, root.length + 1).equals(Buffer.concat([root, separator])));
}

function asText(places: readonly Buffer[]): string[] {
  return places.map((place) => place.subarray(1).toString('utf8')).sort();
}
