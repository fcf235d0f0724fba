import type { ArtefactMetadata } from '../../inspection/inspection.js';
import type { SessionKnowledge } from '../../inspection/inspector.js';
import type { Coordinates } from './pom.js';

/** What the POM (or the Gradle module metadata) of a release told, once that was approved. */
export interface KnownRelease {
  readonly coordinates: Coordinates;
  /** Normalised path of the repository, without `/` at its end. */
  readonly base: string;
  readonly parent?: Coordinates;
  readonly metadata: Partial<ArtefactMetadata>;
}

const maxParents = 8;

/** `stem` as in `ReleaseFile`. */
export function rememberRelease(knowledge: SessionKnowledge, place: { readonly origin: string; readonly stem: string }, release: KnownRelease): Promise<void> {
  return knowledge.put(releaseKey(place.origin, place.stem), JSON.stringify(release));
}

export async function findRelease(knowledge: SessionKnowledge, origin: string, stem: string): Promise<KnownRelease | undefined> {
  const value = await knowledge.get(releaseKey(origin, stem));
  return value === undefined ? undefined : (JSON.parse(value) as KnownRelease); // written by this file only
}

/** A release's metadata; licence and organisation that its POM leaves out are those of the nearest parent of this session that has them. */
export async function inheritedMetadata(knowledge: SessionKnowledge, origin: string, release: KnownRelease): Promise<Partial<ArtefactMetadata>> {
  let { license = '', vendor = '' } = release.metadata;
  let current: KnownRelease | undefined = release;
  for (let count = 0; count < maxParents && current?.parent !== undefined && (license === '' || vendor === ''); count += 1) {
    const { group, artifact, version }: Coordinates = current.parent;
    current = await findRelease(knowledge, origin, `${release.base}/${group.replaceAll('.', '/')}/${artifact}/${version}/${artifact}-${version}`);
    license ||= current?.metadata.license ?? '';
    vendor ||= current?.metadata.vendor ?? '';
  }
  return { ...release.metadata, license, vendor };
}

function releaseKey(origin: string, stem: string): string {
  return `maven/release/${origin}${stem}`;
}
