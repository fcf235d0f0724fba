import { toListed, type ListChange } from './list-change.js';
import type { ListedPackage } from './listed-package.js';
import type { PlannedPackage } from './repository-change.js';

/** Where the object of a package that was published is: at its path, in `.obsolete/`, nowhere. */
export type ObjectPlace = 'placed' | 'obsolete' | 'deleted';

/** What the record knows of a key that was published. */
export interface RecordedPackage extends ListedPackage {
  readonly listed: boolean;
  readonly object: ObjectPlace;
}

export interface DraftBase {
  /** How many packages are listed. */
  readonly packages: number;
  /** As far as the changes touch them: the keys that they name, and other versions of those packages. */
  readonly recorded: readonly RecordedPackage[];
}

/** The list of the state that is being planned: each change is decided on what those before it leave. */
export interface ListDraft {
  packages(): number;
  find(key: string): RecordedPackage | undefined;
  /** A state before has listed it, whether or not the last one does. */
  isRecorded(key: string): boolean;
  /** That are listed. */
  versions(name: string, architecture: string): readonly ListedPackage[];
  apply(change: ListChange): void;
  /** What all changes together come to; sorted by key. */
  difference(): { readonly added: readonly PlannedPackage[]; readonly removed: readonly ListedPackage[] };
}

export function draftList(base: DraftBase): ListDraft {
  const before = new Map(base.recorded.map((recorded) => [recorded.key, recorded]));
  const now = new Map<string, RecordedPackage & PlannedPackage>(before);
  const byVersion = new Map<string, Set<string>>();
  let packages = base.packages;
  for (const recorded of base.recorded) index(recorded);

  function index({ key, name, architecture }: ListedPackage): void {
    const group = versionGroup(name, architecture);
    byVersion.set(group, (byVersion.get(group) ?? new Set()).add(key));
  }

  return {
    packages: () => packages,
    find: (key) => now.get(key),
    isRecorded: (key) => before.has(key),
    versions: (name, architecture) => [...(byVersion.get(versionGroup(name, architecture)) ?? [])].flatMap((key) => now.get(key) ?? []).filter(({ listed }) => listed),
    apply({ added, removed, obsoleted }) {
      for (const one of added) {
        now.set(one.key, { ...one, listed: true, object: 'placed' });
        index(one);
      }
      for (const one of [...removed, ...obsoleted]) now.set(one.key, { ...toListed(one), listed: false, object: 'placed' });
      packages += added.length - removed.length - obsoleted.length;
    },
    difference() {
      const touched = [...now.values()].sort((one, other) => Buffer.compare(Buffer.from(one.key), Buffer.from(other.key)));
      const wasListed = ({ key }: ListedPackage): boolean => before.get(key)?.listed === true;
      return {
        added: touched.filter((one) => one.listed && !wasListed(one)).map((one) => ({ ...toListed(one), ...(one.upload === undefined ? {} : { upload: one.upload }) })),
        removed: touched.filter((one) => !one.listed && wasListed(one)).map(toListed),
      };
    },
  };
}

const versionGroup = (name: string, architecture: string): string => `${name}\0${architecture}`;
