import { readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ComposeRequest } from '../../compose/compose-request.js';
import { errorMessage } from '../../errors/error-message.js';
import { isMillraceError, MillraceError } from '../../errors/millrace-error.js';
import type { GitCheckout } from '../../git-checkout/checkout.js';
import { makeScratchDirectory } from '../../git-checkout/scratch-directory.js';
import { readPolicyYaml } from '../../policy/read-policy-yaml.js';
import type { SourceOptions } from '../../repository-source/repository-source.js';
import { readModules, type ModuleDocument } from '../../rpm/metadata/modules.js';

export interface ModuleDefaults {
  /** The full object name. */
  readonly commit: string;
  /** YAML, sorted by module. */
  readonly texts: readonly string[];
}

interface DefaultsOptions extends SourceOptions {
  /** Modules of the compose: others have no place in its metadata. */
  readonly names: ReadonlySet<string>;
}

/** Bytes; real ones have some hundred, and all of a distribution together some hundred thousand. Whoever asks for a compose may name the repository: one small file in it can stand under any number of names. */
const [largestFile, largestSum] = [1024 ** 2, 4 * 1024 ** 2];
/** What counts more than the files beside it. */
const overrides = 'overrides';

/** Which streams and profiles are the default ones, out of `*.yaml` in a git repository, as distributions keep them. Errors: those of `GitCheckout`; `source-invalid` for what is no such document. */
export async function readDefaults(git: GitCheckout, { url, commit: asked }: NonNullable<ComposeRequest['moduleDefaults']>, { names, signal }: DefaultsOptions): Promise<ModuleDefaults> {
  const work = await makeScratchDirectory('millrace-defaults-');
  try {
    const directory = path.join(work, 'tree');
    const { commit, files } = await git.checkout({ url, commit: asked }, { signal, directory });
    const byName = new Map<string, string>();
    let bytes = 0;
    for (const file of inOrder(files)) {
      signal.throwIfAborted();
      bytes += (await stat(path.join(directory, file))).size;
      if (bytes > largestSum) throw new MillraceError('source-invalid', `the module defaults ${url} have more than ${largestSum} bytes, the most that is read`);
      for (const document of await readFileOf(directory, file, url)) if (names.has(document.name) && !byName.has(document.name)) byName.set(document.name, document.text);
    }
    return { commit, texts: [...byName].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, text]) => text) };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Overrides first: the first document of a module is taken. */
function inOrder(files: readonly string[]): readonly string[] {
  const wanted = files.filter((file) => /\.ya?ml$/.test(file));
  return [...wanted.filter((file) => path.dirname(file) === overrides), ...wanted.filter((file) => path.dirname(file) === '.')];
}

async function readFileOf(directory: string, file: string, url: string): Promise<readonly ModuleDocument[]> {
  const invalid = (why: string, cause?: unknown): MillraceError => new MillraceError('source-invalid', `${file} of the module defaults ${url} cannot be used: ${why}`, cause === undefined ? {} : { cause });
  const place = path.join(directory, file);
  if ((await stat(place)).size > largestFile) throw invalid(`it has more than ${largestFile} bytes`);
  try {
    const documents = readModules(await readFile(place)).filter(({ kind }) => kind === 'modulemd-defaults');
    for (const { text } of documents) {
      const [mistake] = readPolicyYaml(text).mistakes;
      if (mistake !== undefined) throw invalid(`it ${mistake.message}`);
    }
    return documents;
  } catch (error) {
    if (isMillraceError(error) && error.code !== 'source-invalid') throw invalid(errorMessage(error), error);
    throw error;
  }
}
