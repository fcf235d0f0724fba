import { operators, type Operator, type Provided, type Requirement } from '../../haiku/package/package-info.js';
import { formatVersion, parseVersion } from '../../haiku/package/version.js';
import { matches } from '../../haiku/resolution/matches.js';
import type { PackageRelations, Relation } from '../package-format.js';
import { describedBy } from './package-metadata.js';

/** See `PackageFormat.relations`. */
export function relationsOf(metadata: Buffer): PackageRelations {
  const { info } = describedBy(metadata);
  return { provides: info.provides.map(offer), requires: info.requires.map((each) => [need(each)]), conflicts: info.conflicts.map(need) };
}

/** See `PackageFormat.satisfies`. Errors: `source-invalid` for what is no version. */
export function satisfies(required: Relation, provided: Relation): boolean {
  return required.name === provided.name && matches(requirement(required), providedBy(provided));
}

function offer({ name, version, compatible }: Provided): Relation {
  return { name, ...(version === null ? {} : { operator: '==', version: formatVersion(version) }), ...(compatible === null ? {} : { compatible: formatVersion(compatible) }) };
}

function need({ name, version }: Requirement): Relation {
  return version === null ? { name } : { name, operator: version.operator, version: formatVersion(version.than) };
}

function providedBy({ name, version, compatible }: Relation): Provided {
  return { name, version: version === undefined ? null : parseVersion(version), compatible: compatible === undefined ? null : parseVersion(compatible) };
}

function requirement({ name, operator, version }: Relation): Requirement {
  return { name, version: version === undefined ? null : { operator: operator ?? '==', than: parseVersion(version) } };
}

const pattern = /^([^\s=!<>]{1,255})\s*(?:(<=|>=|==|!=|<|>)\s*([^\s=!<>]{1,255}))?$/;

/** `haiku >= r1~beta5`, as recipes and packages write it. Undefined: it is none. Errors: `source-invalid` for what is no version. */
export function parseRequirement(text: string): Requirement | undefined {
  const [, name, operator, version] = pattern.exec(text.trim()) ?? [];
  if (name === undefined) return undefined;
  const known: Operator | undefined = operators.find((each) => each === operator);
  return { name, version: known === undefined || version === undefined ? null : { operator: known, than: parseVersion(version) } };
}
