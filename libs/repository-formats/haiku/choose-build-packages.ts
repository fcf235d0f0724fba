import { invalidFile } from '../../haiku/invalid-haiku-file.js';
import type { PackageInfo, Requirement } from '../../haiku/package/package-info.js';
import { formatVersion, isVersion, parseVersion } from '../../haiku/package/version.js';
import { chooseProviders } from '../../haiku/resolution/choose-providers.js';
import { formatRequirement, indexProviders, type Providers, type Unresolved } from '../../haiku/resolution/resolve-packages.js';
import type { BuilderChoice, BuilderRequest, OfferedPackage } from '../builder-request.js';
import { describedBy } from './package-metadata.js';
import { parseRequirement } from './relations.js';

/** Nothing but the name of its file counts of what a repository lists. */
type DescribedPackage = OfferedPackage<{ readonly key: string }>;

interface IndexedPackage {
  readonly key: string;
  readonly info: Pick<PackageInfo, 'name' | 'version' | 'provides' | 'requires'>;
}

/**
 * What a build takes in. The repository's own packages come before the system's, the newest version first; a package that needs what nothing provides gives way to another one that
 * provides the same. Errors: `source-invalid` for what is neither a requirement nor the name of a package file.
 */
export async function chooseForBuilder({ wanted, packages, systemPackages, present = [] }: BuilderRequest<{ readonly key: string }>): Promise<BuilderChoice> {
  const [own, others] = [await indexed(packages), [...(await indexed(systemPackages)), ...present.flatMap((key) => namedPackage(key) ?? [])]];
  const providers = oneBeforeOther(indexProviders(own, infoOf), indexProviders(others, infoOf));
  const byKey = new Map([...others, ...own].map((item) => [item.key, item]));
  const isFile = (text: string): boolean => text.endsWith('.hpkg');
  const roots = wanted.flatMap((text) => (isFile(text) ? (byKey.get(text) ?? []) : []));
  const asked = wanted.filter((text) => !isFile(text)).map(requirementIn);
  const { packages: taken, unmet, reasons } = chooseProviders([...asked, ...roots.flatMap(({ info }) => info.requires)], providers, infoOf);
  const unmetTexts = new Set(unmet.map(formatRequirement));
  const isUnmet = (requirement: Requirement): boolean => unmetTexts.has(formatRequirement(requirement));
  const ofRoots = roots.flatMap((item) => item.info.requires.filter(isUnmet).map((requirement) => ({ package: item, requirement })));
  return {
    chosen: [...new Set([...roots, ...taken].map(({ key }) => key))],
    unresolved: [
      ...[...reasons, ...ofRoots].map(unresolved),
      ...asked.filter(isUnmet).map((requirement) => ({ requirement: formatRequirement(requirement), reason: 'no package that can be installed provides it' })),
      ...wanted.filter((text) => isFile(text) && !byKey.has(text)).map((requirement) => ({ requirement, reason: 'no repository lists it' })),
    ],
  };
}

async function indexed(packages: AsyncIterable<DescribedPackage>): Promise<IndexedPackage[]> {
  const list: IndexedPackage[] = [];
  for await (const { listed, metadata } of packages) list.push({ key: listed.key, info: describedBy(metadata).info });
  return list;
}

function infoOf({ info }: IndexedPackage): IndexedPackage['info'] {
  return info;
}

function oneBeforeOther(one: Providers<IndexedPackage>, other: Providers<IndexedPackage>): Providers<IndexedPackage> {
  return {
    find: (requirement) => one.find(requirement) ?? other.find(requirement),
    all: (requirement) => [...one.all(requirement), ...other.all(requirement)],
  };
}

function requirementIn(text: string): Requirement {
  const requirement = parseRequirement(text);
  if (requirement === undefined) throw invalidFile(`${JSON.stringify(text.slice(0, 100))} is neither a requirement (cmd:gcc >= 13) nor the name of a package file`);
  return requirement;
}

function unresolved({ package: { info }, requirement }: Unresolved<IndexedPackage>): BuilderChoice['unresolved'][number] {
  return { requirement: formatRequirement(requirement), reason: `${info.name}-${formatVersion(info.version)} needs it, and no package that can be installed provides it` };
}

const fileName = /^([^-/=!<>\s]{1,255})-([^/\s]{1,255})-[a-z0-9_]{1,20}\.hpkg$/;

function namedPackage(key: string): IndexedPackage | undefined {
  const [, name, text] = fileName.exec(key) ?? [];
  if (name === undefined || text === undefined || !isVersion(text)) return undefined;
  const version = parseVersion(text);
  return { key, info: { name, version, provides: [{ name, version, compatible: null }], requires: [] } };
}
