import { submoduleMode, treeEntries, treeMode } from './git-objects.js';
import type { Pack } from './pack-reader.js';

const licenceName = /^(?:licen[cs]e|copying|unlicense)(?:[.-](?:md|txt|rst|mit|apache|apache-2\.0))?$/i;
/** Files that tell what a repository is: of crafts, of Go modules. By folder, the root being the empty name. */
const projectNames: Readonly<Record<string, readonly string[]>> = {
  '': ['go.mod', 'snapcraft.yaml', '.snapcraft.yaml', 'rockcraft.yaml', 'charmcraft.yaml', 'metadata.yaml', 'sourcecraft.yaml', 'bincraft.yaml'],
  snap: ['snapcraft.yaml'],
  'build-aux/snap': ['snapcraft.yaml'],
};
const linkMode = 0o120000;
const maxFile = 1024 * 1024;

/** The content of such files in a received tree, by path; licences under their own names. Links and what is larger than 1 MiB are left out. */
export async function readProjectFiles(pack: Pack, tree: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const [folder, names] of Object.entries(projectNames)) {
    const entries = await folderEntries(pack, tree, folder);
    for (const [name, id] of entries) {
      if (!names.includes(name) && !(folder === '' && licenceName.test(name))) continue;
      const number = pack.objects.find(id);
      if (number >= 0 && pack.typeOf(number) === 'blob' && pack.sizeOf(number) <= maxFile) files.set(folder === '' ? name : `${folder}/${name}`, await pack.contentOf(number));
    }
  }
  return files;
}

/** The first file that is a licence by its name. */
export function licenceFile(files: ReadonlyMap<string, Buffer>): Buffer | undefined {
  for (const [path, content] of files) if (licenceName.test(path)) return content;
  return undefined;
}

async function folderEntries(pack: Pack, tree: string, folder: string): Promise<ReadonlyMap<string, Buffer>> {
  let id: Buffer | undefined = Buffer.from(tree, 'hex');
  for (const name of folder === '' ? [] : folder.split('/')) id = (await entriesOf(pack, id, treeMode)).get(name);
  return entriesOf(pack, id, undefined);
}

/** Entries of a tree, of one mode or of files; empty for what is no tree of this pack. */
async function entriesOf(pack: Pack, id: Buffer | undefined, mode: number | undefined): Promise<Map<string, Buffer>> {
  const number = id === undefined ? -1 : pack.objects.find(id);
  if (number < 0 || pack.typeOf(number) !== 'tree') return new Map();
  const entries = new Map<string, Buffer>();
  for (const entry of treeEntries(await pack.contentOf(number), pack.format)) {
    const isFile = entry.mode !== treeMode && entry.mode !== submoduleMode && entry.mode !== linkMode;
    if (mode === undefined ? isFile : entry.mode === mode) entries.set(entry.name, Buffer.from(entry.id));
  }
  return entries;
}
