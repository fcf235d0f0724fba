import { readPackageParagraph } from '../../deb/package-paragraph.js';
import { poolPath } from '../../deb/pool-path.js';
import { meetsRelation, parseRelationList, parseRelations, type DebRelation } from '../../deb/relations.js';
import { compareDebVersions } from '../../deb/version.js';
import { MillraceError } from '../../errors/millrace-error.js';
import type { InspectedPackage, PackageFormat, PackageRelations, Relation } from '../package-format.js';
import { inspectDeb } from './inspect-deb.js';
import { writeDebIndex } from './write-index.js';

/** apt: packages in `pool/`, indexes by their hashes and a signed `InRelease` in `dists/`. See docs/reference/repositories-deb.md. */
export const debFormat: PackageFormat = {
  kind: 'deb',
  inspect: inspectDeb,
  pathOf: debPath,
  obsoletePathOf: (path) => `.obsolete/${path}`,
  compareVersions: compareDebVersions,
  writeIndex: writeDebIndex,
  relations: debRelations,
  satisfies: (required, provided) => meetsRelation(asDebRelation(required), provided),
};

/** One segment of a path. */
const componentPattern = /^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$/;

function debPath({ key, metadata }: InspectedPackage, component: string): string {
  if (!componentPattern.test(component)) throw new MillraceError('invalid-request', `${JSON.stringify(component.slice(0, 100))} is no name of a component: say which one of the repository's the package belongs to`);
  return poolPath(key, { component, source: readPackageParagraph(metadata).source });
}

/** Recommends and what is weaker is nobody's need; Breaks and Conflicts differ only in the order in which dpkg unpacks. */
function debRelations(metadata: Buffer): PackageRelations {
  const { name, version, architecture, fields } = readPackageParagraph(metadata);
  // `foo:any` is met by those alone that allow it, as apt has it; `foo:arm64` by none that an amd64 machine has without more.
  const itself = [name, ...(fields.get('multi-arch')?.toLowerCase() === 'allowed' ? [`${name}:any`] : [])];
  const qualified = ({ name: other, qualifier, ...more }: DebRelation): Relation => ({ name: qualifier === undefined || (qualifier !== 'any' && ['all', qualifier].includes(architecture)) ? other : `${other}:${qualifier}`, ...more });
  const list = (field: string): readonly Relation[] => parseRelationList(fields.get(field) ?? '', field).map(qualified);
  return {
    provides: [...itself.map((each): Relation => ({ name: each, operator: '==', version })), ...list('provides')],
    requires: ['pre-depends', 'depends'].flatMap((field) => parseRelations(fields.get(field) ?? '', field).map((group) => group.map(qualified))),
    conflicts: [...list('conflicts'), ...list('breaks')],
  };
}

function asDebRelation({ name, operator, version }: Relation): DebRelation {
  return operator === undefined || operator === '!=' || version === undefined ? { name } : { name, operator, version };
}
