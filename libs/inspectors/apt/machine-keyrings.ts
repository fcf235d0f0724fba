import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { joinKeyrings, readKeyring, type Keyring } from '../openpgp/keyring.js';

/** What apt asks `/` for; specs pass another root. */
const wholly = ['etc/apt/trusted.gpg', 'etc/apt/trusted.gpg.d', 'etc/apt/keyrings'];
const shared = 'usr/share/keyrings';
const sources = ['etc/apt/sources.list', 'etc/apt/sources.list.d'];
const maxSourceBytes = 1024 * 1024;

/**
 * The keys that the apt of the machine that the proxy runs on believes: its trusted keys, those that its administrator put into /etc/apt/keyrings, the
 * archive keyrings that distributions install, and whatever its sources name as Signed-By (sources.list(5)). Not all of /usr/share/keyrings: the keys of
 * developers lie there too, who sign no archive, and those that an archive has withdrawn. Read anew each time: it is some twenty small files a Release.
 */
export async function readMachineKeyrings(root = '/'): Promise<Keyring> {
  const keyrings: Keyring[] = [];
  for (const file of await keyringFiles(root)) {
    try {
      keyrings.push(await readKeyring(await readFile(file)));
    } catch {
      // What cannot be read is no key of anybody.
    }
  }
  return joinKeyrings(keyrings);
}

async function keyringFiles(root: string): Promise<ReadonlySet<string>> {
  const trusted = (await Promise.all(wholly.map((place) => filesOf(path.join(root, place))))).flat();
  const archives = (await filesOf(path.join(root, shared))).filter((file) => path.basename(file).includes('archive'));
  const usual = [...trusted, ...archives].filter((file) => /\.(?:gpg|asc)$/.test(file) && !path.basename(file).includes('removed'));
  return new Set([...usual, ...(await signedByFiles(root))]);
}

/** Files that `Signed-By: /a,/b` and `[signed-by=/a]` name. */
async function signedByFiles(root: string): Promise<readonly string[]> {
  const named: string[] = [];
  for (const file of (await Promise.all(sources.map((place) => filesOf(path.join(root, place))))).flat()) {
    if (!/\.(?:list|sources)$/.test(file)) continue;
    const text = (await readFile(file, 'utf8').catch(() => '')).slice(0, maxSourceBytes);
    for (const [, value = ''] of text.matchAll(/^[^#\n]*?signed-by[ \t]*[:=][ \t]*([^\]\n]*)/gim))
      named.push(...value.split(/[\s,]+/).filter((name) => path.isAbsolute(name)).map((name) => path.join(root, name)));
  }
  return named;
}

/** The files of a directory in order, or the one file. */
async function filesOf(place: string): Promise<readonly string[]> {
  const names = await readdir(place).catch(() => undefined);
  return names === undefined ? [place] : names.toSorted().map((name) => path.join(place, name));
}
