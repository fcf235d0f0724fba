import { refusal } from '../../inspection/refusal.js';
import { childOf, textAt, type XmlElement } from '../documents/bounded-xml.js';
import { baseOfGroup } from './repository-path.js';

/** What a `maven-metadata.xml` is of: a group's plugins, the versions of an artifact, or the files of a snapshot. */
export interface RepositoryMetadata {
  readonly group: string;
  /** Empty in a list of plugins. */
  readonly artifact: string;
  /** Only of a snapshot. */
  readonly version: string;
  /** Versions, plugins or files. */
  readonly entries: number;
}

/**
 * Reads repository metadata (https://maven.apache.org/ref/3.9.9/maven-repository-metadata/repository-metadata.html) that lie in `directories`,
 * outermost first. Throws a reason when they are of something else.
 */
export function readRepositoryMetadata(root: XmlElement, directories: readonly string[]): RepositoryMetadata {
  if (root.name !== 'metadata') throw refusal('the maven-metadata.xml has no metadata element');
  const [group, artifact, version] = [textAt(root, 'groupId'), textAt(root, 'artifactId'), textAt(root, 'version')];
  const plugins = childOf(root, 'plugins')?.children.length ?? 0;
  const versions = childOf(childOf(root, 'versioning'), 'versions')?.children.length ?? 0;
  const files = childOf(childOf(root, 'versioning'), 'snapshotVersions')?.children.length ?? 0;
  if (group === '') {
    if (plugins === 0 || artifact !== '' || version !== '') throw refusal('the maven-metadata.xml has neither a groupId nor plugins');
    return { group: '', artifact: '', version: '', entries: plugins };
  }
  // Some repositories name the newest version in the list of an artifact as well.
  const places = [[], ...(artifact === '' ? [] : [[artifact]]), ...(version === '' ? [] : [[artifact, version]])];
  const place = places.findLast((names) => endsInGroupAnd(directories, group, names));
  if (place === undefined || (artifact !== '' && place.length === 0 && plugins === 0)) {
    const says = [group, artifact, version].filter((text) => text !== '').join(':');
    throw refusal(`the maven-metadata.xml is that of ${JSON.stringify(says.slice(0, 300))}, but its URL is that of ${directories.join('/').slice(0, 300)}`);
  }
  return { group, artifact: place[0] ?? '', version: place[1] ?? '', entries: place.length === 2 ? files : place.length === 1 ? versions : plugins };
}

function endsInGroupAnd(directories: readonly string[], group: string, names: readonly string[]): boolean {
  const split = directories.length - names.length;
  return split >= 0 && names.every((name, index) => name === directories[split + index]) && baseOfGroup(directories.slice(0, split), group) !== undefined;
}
