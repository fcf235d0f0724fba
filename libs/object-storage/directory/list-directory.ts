import type { BigIntStats, Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf, isMissing } from '../../errors/system-error.js';
import { writingFolder } from '../object-key.js';
import type { ListedObject, ListOptions } from '../object-store.js';
import { statOf } from './directory-folders.js';

const readAtOnce = 64;

/** Files below a root in the order of the UTF-8 bytes of their keys, a folder of the tree in memory at a time. */
export async function* listDirectory(root: string, prefix: string, { after = '', signal }: ListOptions, describe: (stats: BigIntStats) => Omit<ListedObject, 'key'>): AsyncGenerator<ListedObject> {
  const last = Buffer.from(after);

  async function* below(folder: string): AsyncGenerator<ListedObject> {
    const names = (await entriesOf(path.join(root, folder))).map((entry) => (entry.isDirectory() ? `${folder}${entry.name}/` : `${folder}${entry.name}`));
    const wanted = names.filter((name) => mayMatch(name, prefix) && mayComeAfter(name, last)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const run of runsOf(wanted)) {
      signal?.throwIfAborted();
      const [first = ''] = run;
      if (first.endsWith('/')) {
        yield* below(first);
        continue;
      }
      const found = await Promise.all(run.map(async (key) => ({ key, stats: await statOf(path.join(root, key)) })));
      for (const { key, stats } of found) if (stats?.isFile() === true) yield { key, ...describe(stats) };
    }
  }

  // The folder that the prefix names is where the walk begins: nothing beside it is looked at.
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (await isReachable(root, start)) yield* below(start);
}

/** A folder by itself, files some at once. */
function* runsOf(names: readonly string[]): Generator<string[]> {
  let run: string[] = [];
  for (const name of names) {
    if (run.length === readAtOnce || (name.endsWith('/') && run.length > 0)) {
      yield run;
      run = [];
    }
    if (name.endsWith('/')) yield [name];
    else run.push(name);
  }
  if (run.length > 0) yield run;
}

/** Neither the file behind a link nor unfinished ones are objects. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => (entry.isFile() || entry.isDirectory()) && entry.name !== writingFolder);
  } catch (error) {
    if (isMissing(error) || errnoOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

async function isReachable(root: string, folder: string): Promise<boolean> {
  let place = root;
  for (const part of folder.split('/').slice(0, -1)) {
    place = path.join(place, part);
    if ((await statOf(place))?.isDirectory() !== true) return false;
  }
  return true;
}

function mayMatch(name: string, prefix: string): boolean {
  return name.startsWith(prefix) || (name.endsWith('/') && prefix.startsWith(name));
}

/** A folder may, as long as not all that can be in it comes before. */
function mayComeAfter(name: string, after: Buffer): boolean {
  const bytes = Buffer.from(name);
  if (Buffer.compare(bytes, after) > 0) return true;
  return name.endsWith('/') && after.subarray(0, bytes.length).equals(bytes);
}
