import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../../errors/millrace-error.js';
import type { IndexContent, PackageFormat } from '../../repository-formats/package-format.js';

export const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');

/** A package of the smallest format there is: a line that says what it is, and whatever follows. */
export const linePackage = (name: string, version: string, payload = ''): Buffer => Buffer.from(`line ${name} ${version}\n${payload}`);

export const keyOf = (name: string, version: string): string => `${name}-${version}.rpm`;

function file(name: string, text: string): IndexContent {
  const content = Buffer.from(text);
  return { path: name, content, size: content.length, sha256: sha256(content), contentType: 'text/plain' };
}

/**
 * Of rpm's kind, with an index that has all that matters of the real ones: a list named by its content, a file beside the one that decides (`index/note`), and one that clients begin
 * with (`index/head`). It is for specs, which look at every instant of a publication.
 */
export const lineFormat: PackageFormat = {
  kind: 'rpm',
  async inspect(bytes) {
    const text = (await bytes.read(0, Math.min(bytes.size, 200))).toString('utf8');
    const [, name, version] = /^line (\S+) (\S+)\n/.exec(text) ?? [];
    if (name === undefined || version === undefined) throw new MillraceError('package-invalid', 'it does not begin with a line that says what it is');
    return { key: keyOf(name, version), name, version, architecture: 'noarch', metadata: Buffer.from(`${name} ${version}`) };
  },
  pathOf: ({ key }) => `packages/${key}`,
  obsoletePathOf: (name) => `.obsolete/${name}`,
  compareVersions: (one, other) => Number(one) - Number(other),
  async writeIndex({ state, at, packages, metadata, repository }) {
    const lines: string[] = [];
    for await (const { path: where, sha256: digest } of packages()) {
      if (!(await metadata([digest])).has(digest)) throw new MillraceError('source-invalid', `nothing is known of ${where}`);
      lines.push(`${digest} ${where}`);
    }
    const list = lines.join('\n');
    const listed = file(`index/${sha256(list)}.list`, list);
    const note = repository.settings.keys.length === 0 ? [] : [file('index/note', `of state ${state}`)];
    return { immutable: [listed], switched: [...note, file('index/head', `${state} ${at} ${listed.path}`)] };
  },
  relations: () => ({ provides: [], requires: [], conflicts: [] }),
  satisfies: () => false,
};

export interface SeenRepository {
  /** 0: nothing was published yet. */
  readonly state: number;
  readonly keys: readonly string[];
}

/** What a client sees that reads the directory as it lies. Throws where it is not whole. */
export async function readAsClient(directory: string): Promise<SeenRepository> {
  const at = (name: string): string => path.join(directory, name);
  const head = await readFile(at('index/head'), 'utf8').catch(() => undefined);
  if (head === undefined) return { state: 0, keys: [] };
  const [state = '', , list = ''] = head.split(' ');
  const text = await readFile(at(list), 'utf8');
  if (`index/${sha256(text)}.list` !== list) throw new Error(`the list ${list} is not what its name says`);
  const keys: string[] = [];
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [digest, where = ''] = line.split(' ');
    if (sha256(await readFile(at(where))) !== digest) throw new Error(`${where} is not what the list says`);
    keys.push(path.basename(where));
  }
  return { state: Number(state), keys };
}
