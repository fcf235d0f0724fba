import type { InspectedRequest, SessionKnowledge } from '../../inspection/inspector.js';
import { findDeclarations } from '../declarations/declared-files.js';
import { lastSegment, normalisePath } from '../declarations/declared-url.js';
import { possibleProjects } from './distribution-file.js';

/** What one index said of the file that was asked for; digests are hex of SHA-256, empty when it gave none. */
export interface DistributionDeclaration {
  readonly index: string;
  readonly sha256: string;
  readonly metadataSha256: string;
}

const metadataSuffix = '.metadata';

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
      found.push({ index, sha256: declaration[0] ?? '', metadataSha256: declaration[1] ?? '' });
    }
  }
  return found;
}
