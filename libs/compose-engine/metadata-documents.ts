import type { ComposePlan, PlannedPackage } from '../compose/compose-plan.js';
import type { ComposeIdentity } from './compose-identity.js';
import { packageFileName, packageHref, repositoryPath, variant, type TreePart } from './compose-layout.js';

/** One image of a tree, as `images.json` has it. */
export interface ComposeImage {
  readonly arch: string;
  /** Relative to `compose/`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly volumeId: string;
  /** Seconds since 1970. */
  readonly time: number;
  /** `boot`: it starts an installer; `dvd`: packages only. */
  readonly type: 'boot' | 'dvd';
  /** That the image has of itself, if it has one. */
  readonly implantedMd5: string | null;
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** `composeinfo.json` in productmd's format 1.2. */
export function composeInfoDocument(identity: ComposeIdentity, plan: ComposePlan): string {
  const arches = plan.trees.map(({ arch }) => arch);
  const perArch = (value: (arch: string) => string): Json => Object.fromEntries(arches.map((arch) => [arch, value(arch)]));
  const repository = (part: TreePart) => perArch((arch) => repositoryPath(part, arch));
  const packages = (part: TreePart) => perArch((arch) => `${repositoryPath(part, arch)}/Packages`);
  const paths = {
    os_tree: repository('os'),
    packages: packages('os'),
    repository: repository('os'),
    ...(plan.results.some((result) => result === 'iso' || result === 'boot.iso') ? { isos: perArch((arch) => `${variant}/${arch}/iso`) } : {}),
    source_tree: repository('source'),
    source_packages: packages('source'),
    source_repository: repository('source'),
    debug_tree: repository('debug'),
    debug_packages: packages('debug'),
    debug_repository: repository('debug'),
  };
  return productmd('composeinfo', {
    ...composeInfoSections(identity),
    variants: { [variant]: { arches: plan.links === undefined ? arches : [...new Set(plan.links.flatMap((link) => link.arches))].sort(), id: variant, name: variant, paths, type: 'variant', uid: variant } },
  });
}

/** What Pungi writes before it begins: the compose without its variants. */
export function baseComposeInfoDocument(identity: ComposeIdentity): string {
  return productmd('composeinfo', { ...composeInfoSections(identity), variants: {} });
}

function composeInfoSections(identity: ComposeIdentity): { readonly [key: string]: Json } {
  return {
    compose: { ...composeSection(identity), ...(identity.label === undefined ? {} : { final: false, label: identity.label }) },
    release: { internal: false, ...identity.release, type: 'ga' },
  };
}

/** `rpms.json`: every package by architecture and source package. */
export function rpmsDocument(identity: ComposeIdentity, plan: ComposePlan): string {
  const rpms: Record<string, Record<string, Record<string, Json>>> = {};
  const sourceEpochs = new Map(plan.trees.flatMap(({ sources }) => sources.map((source): [string, number] => [packageFileName(source), source.epoch])));
  for (const tree of plan.trees) {
    const builds: Record<string, Record<string, Json>> = {};
    const add = (part: TreePart, category: string, packages: readonly PlannedPackage[]): void => {
      for (const item of packages) {
        const build = sourceNevra(item, sourceEpochs);
        const files = (builds[build] ??= {});
        files[nevra(item)] = {
          category,
          path: `${repositoryPath(part, tree.arch)}/${packageHref(packageFileName(item))}`,
          sigkey: item.sigkey === '' ? null : item.sigkey.slice(-8).toLowerCase(),
        };
      }
    };
    add('os', 'binary', tree.packages);
    add('debug', 'debug', tree.debuginfo);
    add('source', 'source', tree.sources);
    rpms[tree.arch] = builds;
  }
  return productmd('rpms', { compose: composeSection(identity), rpms: { [variant]: rpms } });
}

export function imagesDocument(identity: ComposeIdentity, images: readonly ComposeImage[]): string {
  const listed: Record<string, Json[]> = {};
  for (const image of images) {
    (listed[image.arch] ??= []).push({
      arch: image.arch,
      bootable: image.type === 'boot',
      checksums: { sha256: image.sha256 },
      disc_count: 1,
      disc_number: 1,
      format: 'iso',
      implant_md5: image.implantedMd5,
      mtime: image.time,
      path: image.path,
      size: image.size,
      subvariant: variant,
      type: image.type,
      volume_id: image.volumeId,
    });
  }
  return productmd('images', { compose: composeSection(identity), images: images.length === 0 ? {} : { [variant]: listed } });
}

function composeSection({ pungiComposeId, date, respin, type }: ComposeIdentity): { readonly [key: string]: Json } {
  return { date, id: pungiComposeId, respin, type };
}

function nevra({ name, epoch, version, release, arch }: PlannedPackage): string {
  return `${name}-${epoch}:${version}-${release}.${arch}`;
}

/** Packages name the file of their source package, which has no epoch: that of the source package where it is here, else their own. */
function sourceNevra(item: PlannedPackage, sourceEpochs: ReadonlyMap<string, number>): string {
  if (item.arch === 'src') return nevra(item);
  const parts = /^(.+)-([^-]+)-([^-]+)\.(src|nosrc)\.rpm$/.exec(item.sourceRpm);
  if (parts === null) return nevra({ ...item, arch: 'src' });
  return `${parts[1]}-${sourceEpochs.get(item.sourceRpm) ?? item.epoch}:${parts[2]}-${parts[3]}.src`;
}

/** Keys sorted and four spaces, as productmd writes: equal composes differ in nothing. */
function productmd(kind: string, payload: Json): string {
  return `${JSON.stringify({ header: { type: `productmd.${kind}`, version: '1.2' }, payload: sorted(payload) }, null, 4)}\n`;
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, item]): [string, Json] => [key, sorted(item)]),
  );
}
