import type { InspectedRequest, InspectionContext, SessionKnowledge } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { findDeclarations, groupByOrigin, rememberDeclaredFiles, type FileDeclaration } from '../declarations/declared-files.js';
import { lastSegment, normalisePath, type DeclaredUrl } from '../declarations/declared-url.js';
import { possibleProjects } from './distribution-file.js';
import type { IndexedFile } from './simple-index.js';

/** What one index said of the file that was asked for; digests are hex of SHA-256, empty when it gave none. */
export interface DistributionDeclaration {
  readonly index: string;
  readonly sha256: string;
  readonly metadataSha256: string;
  /** As `readPublicationTime` gives it, or empty. */
  readonly published: string;
}

const metadataSuffix = '.metadata';

/** A page whose files lie at more origins than this is not one of an honest index. */
const maxOrigins = 8;

/** Remembers the files of a page that belong to its project, in normal form; `index` is the page's URL. Returns the annotations of the page. */
export async function rememberProject(
  files: readonly IndexedFile[],
  { project, index }: { readonly project: string; readonly index: string },
  { knowledge, signal }: Pick<InspectionContext, 'knowledge' | 'signal'>,
): Promise<Readonly<Record<string, number>>> {
  const own = files.filter((file) => possibleProjects(lastSegment(file.url.path) ?? '').includes(project));
  const groups = groupByOrigin(own.map((file): [DeclaredUrl, FileDeclaration] => [file.url, [file.sha256, file.metadataSha256, file.published]]));
  if (groups.size > maxOrigins) throw refusal(`the index page spreads its files over more than ${maxOrigins} origins`);
  let remembered = 0;
  for (const [origin, declared] of groups) remembered += await rememberDeclaredFiles(knowledge, { family: 'pip', origin, name: project }, { index, files: declared, signal });
  return { files: files.length, 'other-files': files.length - own.length, 'remembered-urls': remembered, yanked: own.filter((file) => file.yanked).length };
}

/** What the indexes of this session declared of a file, or of the distribution that a `.metadata` file belongs to. */
export async function findDistribution(request: InspectedRequest, knowledge: SessionKnowledge): Promise<readonly DistributionDeclaration[]> {
  const normal = normalisePath(request.path);
  const path = normal.endsWith(metadataSuffix) ? normal.slice(0, -metadataSuffix.length) : normal;
  const found: DistributionDeclaration[] = [];
  for (const name of possibleProjects(lastSegment(path) ?? '')) {
    for (const { index, declaration } of await findDeclarations(
      knowledge,
      { family: 'pip', origin: request.origin, name },
      path + (request.query === '' ? '' : `?${request.query}`),
    )) {
      found.push({ index, sha256: declaration[0] ?? '', metadataSha256: declaration[1] ?? '', published: declaration[2] ?? '' });
    }
  }
  return found;
}
