import type { InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import type { RepomdFile } from '../../rpm/metadata/repomd.js';
import type { ClientView } from './client-view.js';
import { consultRepository, findRepository, listRepositories, type Repository } from './repositories.js';
import { resolveLocation, type RepositoryPlace } from './repository-path.js';

export interface Declared {
  readonly repository: Repository;
  readonly file: RepomdFile;
}

/** What the session's repositories say of a metadata file. */
export interface Finding extends Declared {
  /** False: a repository declares the file at this place, or of this name, with another digest. */
  readonly holds: boolean;
}

interface Subject extends RepositoryPlace {
  /** See `requestUrl`. */
  readonly url: string;
  readonly view: ClientView;
}

/**
 * Finds who declares a file of a `repodata` directory. The repository at the same place comes first, and its word holds; a file of another place may
 * be a mirror's: there the digest alone counts. Lets the proxy fetch the repomd.xml when nobody declares the file.
 */
export async function findMetadata(subject: Subject, context: InspectionContext): Promise<Finding | undefined> {
  const found = await search(subject, context.knowledge);
  if (found !== undefined) return found;
  return (await consultRepository(context, subject.base)) ? search(subject, context.knowledge) : undefined;
}

async function search(subject: Subject, knowledge: SessionKnowledge): Promise<Finding | undefined> {
  const local = declaredFiles(await findRepository(knowledge, subject.base));
  const here = local.filter(({ repository, file }) => resolveLocation(repository.base, file) === subject.url);
  const [first] = here;
  if (first !== undefined) {
    const held = await firstThatHolds(here, subject.view);
    return held === undefined ? { ...first, holds: false } : { ...held, holds: true };
  }
  let named: Declared | undefined;
  for (const base of await listRepositories(knowledge)) {
    const files = base === subject.base ? local : declaredFiles(await findRepository(knowledge, base));
    const held = await firstThatHolds(files, subject.view);
    if (held !== undefined) return { ...held, holds: true };
    named ??= files.find(({ file }) => isNamedForDigest(file, subject.file));
  }
  return named === undefined ? undefined : { ...named, holds: false };
}

function declaredFiles(repositories: readonly Repository[]): readonly Declared[] {
  return repositories.flatMap((repository) => repository.files.map((file) => ({ repository, file })));
}

async function firstThatHolds(declared: readonly Declared[], view: ClientView): Promise<Declared | undefined> {
  for (const candidate of declared) if (await view.matches(candidate.file.checksum)) return candidate;
  return undefined;
}

/** Names such as `<digest>-primary.xml.gz` mean the same file at every mirror. */
function isNamedForDigest({ checksum, href }: RepomdFile, name: string): boolean {
  return name.startsWith(`${checksum.hex}-`) && href.endsWith(`/${name}`);
}
