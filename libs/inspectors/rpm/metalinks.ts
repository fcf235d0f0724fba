import type { SessionKnowledge } from '../../inspection/inspector.js';
import type { Checksum } from '../../rpm/metadata/checksum.js';
import type { Metalink } from '../../rpm/metadata/metalink.js';
import { parseDeclaredUrl } from '../declarations/declared-url.js';
import { changeList, readList } from './session-list.js';

interface KnownMetalink {
  /** URL of the metalink. */
  readonly url: string;
  /** Where it says that the repomd.xml is, as `requestUrl` has URLs. */
  readonly mirrors: readonly string[];
  readonly alternatives: readonly (readonly Checksum[])[];
}

const key = 'rpm/metalinks';
const maxMetalinks = 32;
const maxMirrors = 500;
const maxAlternatives = 32;

export async function rememberMetalink(knowledge: SessionKnowledge, url: string, metalink: Metalink): Promise<void> {
  const mirrors = metalink.urls.slice(0, maxMirrors).flatMap((text) => {
    const mirror = parseDeclaredUrl(text);
    return mirror === undefined ? [] : [(mirror.origin + mirror.path).slice(0, 1024)];
  });
  const entry: KnownMetalink = { url: url.slice(0, 1024), mirrors, alternatives: metalink.alternatives.slice(0, maxAlternatives).map(({ checksums }) => checksums.slice(0, 8)) };
  await changeList<KnownMetalink>(knowledge, key, (entries) => [entry, ...entries.filter((other) => other.url !== entry.url)].slice(0, maxMetalinks));
}

/** The metalinks that name `url` as a place of a repomd.xml; empty when none does. */
export async function findMetalinks(knowledge: SessionKnowledge, url: string): Promise<readonly KnownMetalink[]> {
  return (await readList<KnownMetalink>(knowledge, key)).filter(({ mirrors }) => mirrors.includes(url));
}
