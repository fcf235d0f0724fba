import { z } from 'zod';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { compareVersions, formatVersion, parseVersion, type PackageVersion } from '../../libs/rpm/version.js';

export interface ChangedPackage {
  readonly name: string;
  /** `epoch:version-release`, the newest where there are several; null where there is none. */
  readonly before: string | null;
  readonly after: string | null;
}

/** Of one architecture, each list by name. */
export interface ArchDifference {
  readonly arch: string;
  readonly added: readonly ChangedPackage[];
  readonly removed: readonly ChangedPackage[];
  readonly upgraded: readonly ChangedPackage[];
  readonly downgraded: readonly ChangedPackage[];
}

const recordOf = <Value extends z.ZodType>(value: Value) => z.record(z.string(), value);

/** Variant, architecture, source package, package. */
const rpmsSchema = z.object({
  payload: z.object({ rpms: recordOf(recordOf(recordOf(recordOf(z.looseObject({ category: z.string() }))))) }),
});

/** Newest version by architecture of the tree, and by name and architecture of the package. */
type Newest = ReadonlyMap<string, ReadonlyMap<string, PackageVersion>>;

/** What two `rpms.json` have in common is left out; debuginfo and sources follow their packages, so they are not looked at. Errors: `invalid-request`. */
export function diffComposes(before: unknown, after: unknown): readonly ArchDifference[] {
  const [old, young] = [newestVersions(before), newestVersions(after)];
  return [...new Set([...old.keys(), ...young.keys()])].sort().map((arch) => diffArch(arch, old.get(arch) ?? new Map(), young.get(arch) ?? new Map()));
}

function diffArch(arch: string, before: ReadonlyMap<string, PackageVersion>, after: ReadonlyMap<string, PackageVersion>): ArchDifference {
  const lists: Record<'added' | 'removed' | 'upgraded' | 'downgraded', ChangedPackage[]> = { added: [], removed: [], upgraded: [], downgraded: [] };
  for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [old, young] = [before.get(name), after.get(name)];
    const change = { name, before: old === undefined ? null : formatVersion(old), after: young === undefined ? null : formatVersion(young) };
    if (old === undefined) lists.added.push(change);
    else if (young === undefined) lists.removed.push(change);
    else {
      const order = compareVersions(old, young);
      if (order < 0) lists.upgraded.push(change);
      else if (order > 0) lists.downgraded.push(change);
    }
  }
  return { arch, ...lists };
}

function newestVersions(document: unknown): Newest {
  const parsed = rpmsSchema.safeParse(document);
  if (!parsed.success) throw new MillraceError('invalid-request', 'rpms.json does not have the shape that productmd gives it', { cause: parsed.error });
  const found = new Map<string, Map<string, PackageVersion>>();
  for (const arches of Object.values(parsed.data.payload.rpms)) {
    for (const [arch, builds] of Object.entries(arches)) {
      const newest = found.get(arch) ?? new Map<string, PackageVersion>();
      found.set(arch, newest);
      for (const [nevra, { category }] of Object.values(builds).flatMap((files) => Object.entries(files))) {
        if (category !== 'binary') continue;
        const { name, version } = parseNevra(nevra);
        const known = newest.get(name);
        if (known === undefined || compareVersions(known, version) < 0) newest.set(name, version);
      }
    }
  }
  return found;
}

/** `bash-0:5.2-1.x86_64` */
function parseNevra(nevra: string): { readonly name: string; readonly version: PackageVersion } {
  const [, name, version, arch] = /^(.+)-((?:\d+:)?[^-]+-[^-]+)\.([^.-]+)$/.exec(nevra) ?? [];
  if (name === undefined || version === undefined || arch === undefined) throw new MillraceError('invalid-request', `rpms.json names a package that is none: ${nevra.slice(0, 200)}`);
  return { name: `${name}.${arch}`, version: parseVersion(version) };
}
