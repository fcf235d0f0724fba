import type { SessionKnowledge } from '../../inspection/inspector.js';
import { findDeclarations, rememberDeclaredFiles, type DeclarationKey } from '../declarations/declared-files.js';
import type { PackageId } from './package-id.js';

export type HashAlgorithm = 'sha512' | 'sha256';

/** What an index says of a package file. */
export interface PackageDeclaration extends PackageId {
  /** Lower-case hex. */
  readonly hash: string;
  readonly algorithm: HashAlgorithm;
  /** Where the index says that the file is: origin and normalised path, empty when it does not. */
  readonly url: string;
}

const file = 'nupkg';

export async function rememberPackages(knowledge: SessionKnowledge, index: string, packages: readonly PackageDeclaration[]): Promise<void> {
  for (const { id, version, algorithm, hash, url } of packages) {
    await rememberDeclaredFiles(knowledge, keyOf({ id, version }), { index, files: new Map([[file, [`${algorithm}:${hash}`, url]]]) });
  }
}

export interface FoundDeclaration {
  readonly index: string;
  readonly algorithm: HashAlgorithm;
  readonly hash: string;
}

/**
 * What the indexes of this session say of a release. Those that name the URL that was asked for govern: two sources may each have a package
 * of that id and version. Where none names it, all of them.
 */
export async function findPackage(knowledge: SessionKnowledge, release: PackageId, url: string): Promise<readonly FoundDeclaration[]> {
  const found = (await findDeclarations(knowledge, keyOf(release), file)).map(({ index, declaration }) => {
    const [algorithm = '', hash = ''] = (declaration[0] ?? '').split(':');
    return { index, algorithm: algorithm as HashAlgorithm, hash, url: declaration[1] ?? '' };
  });
  const governing = found.filter((declaration) => declaration.url === url);
  return governing.length > 0 ? governing : found;
}

function keyOf({ id, version }: PackageId): DeclarationKey {
  return { family: 'nuget', origin: 'any', name: `${id.toLowerCase()}/${version}` };
}
