import path from 'node:path';
import { buildPackage, type Tags } from '../../rpm/__fixtures__/build-package.js';
import { tag } from '../../rpm/package/tags.js';

/** What a package of rpm says of itself, as a spec file writes it. */
export interface RpmRecipe {
  /** `name-epoch:version-release.arch` */
  readonly label: string;
  readonly requires?: readonly string[];
  readonly provides?: readonly string[];
  readonly conflicts?: readonly string[];
  readonly files?: readonly string[];
}

const signs: Readonly<Record<string, number>> = { '<': 2, '>': 4, '=': 8, '<=': 10, '>=': 12 };

/** A package with that header, and with no payload that could be installed. */
export function rpmOf({ label, requires = [], provides = [], conflicts = [], files = [] }: RpmRecipe): Buffer {
  const [, name = '', epoch, version = '', release = '', arch = ''] = /^(.+)-(?:(\d+):)?([^-]+)-([^-]+)\.([^.]+)$/.exec(label) ?? [];
  const own = `${name} = ${epoch === undefined ? '' : `${epoch}:`}${version}-${release}`;
  const folders = [...new Set(files.map((file) => `${path.posix.dirname(file)}/`))];
  const listed: Tags = [
    [tag.baseNames, files.map((file) => path.posix.basename(file))],
    [tag.directoryNames, folders],
    [tag.directoryIndexes, files.map((file) => folders.indexOf(`${path.posix.dirname(file)}/`))],
    [tag.fileModes, new Uint16Array(files.map(() => 0o100755))],
    [tag.fileFlags, files.map(() => 0)],
  ];
  return buildPackage({
    tags: [
      [tag.name, name],
      ...(epoch === undefined ? [] : ([[tag.epoch, [Number(epoch)]]] as Tags)),
      [tag.version, version],
      [tag.release, release],
      [tag.arch, arch],
      ...relations([tag.provideName, tag.provideFlags, tag.provideVersion], [own, ...provides]),
      ...relations([tag.requireName, tag.requireFlags, tag.requireVersion], requires),
      ...relations([tag.conflictName, tag.conflictFlags, tag.conflictVersion], conflicts),
      ...(files.length === 0 ? [] : listed),
    ],
  });
}

function relations([names, flags, versions]: readonly [number, number, number], texts: readonly string[]): Tags {
  if (texts.length === 0) return [];
  const read = texts.map((text) => (text.startsWith('(') ? [text] : text.split(' ')));
  return [[names, read.map(([name = '']) => name)], [flags, read.map(([, sign = '']) => signs[sign] ?? 0)], [versions, read.map(([, , version = '']) => version)]];
}

/** Of the package, in its repository. */
export const keyOfRpm = (label: string): string => `${label.replace(/-\d+:/, '-')}.rpm`;
