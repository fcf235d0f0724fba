import { refusal } from '../inspection/refusal.js';
import { trimBlanks } from './trim-blanks.js';
import { compareDebVersions } from './version.js';

export type DebOperator = '<' | '<=' | '==' | '>=' | '>';

/** `libc6 (>= 2.36)`: what a package needs, offers or does not go with, https://www.debian.org/doc/debian-policy/ch-relationships.html */
export interface DebRelation {
  readonly name: string;
  /** `any`, or an architecture: of which packages of that name it is. */
  readonly qualifier?: string;
  readonly operator?: DebOperator;
  readonly version?: string;
}

/** The old `<` and `>` mean "or equal", in dpkg as in apt. */
const operators: Readonly<Record<string, DebOperator>> = { '<<': '<', '<=': '<=', '=': '==', '>=': '>=', '>>': '>', '<': '<=', '>': '>=' };
const one = /^([0-9A-Za-z][0-9A-Za-z+.-]{0,254})(?::([a-z0-9][a-z0-9-]{0,63}))?[ \t\n]*(?:\([ \t\n]*(<<|<=|=|>=|>>|<|>)[ \t\n]*([0-9A-Za-z][0-9A-Za-z.+~:-]{0,254})[ \t\n]*\))?$/;

/**
 * Reads a field such as Depends: all of the outer ones, any of the inner ones. Throws a reason for what apt cannot read, which would make it refuse the whole index.
 */
export function parseRelations(value: string, field: string): readonly (readonly DebRelation[])[] {
  const groups = value.split(',').map((group) => trimBlanks(group));
  if (groups.at(-1) === '') groups.pop();
  return groups.map((group) => group.split('|').map((text) => parseRelation(trimBlanks(text), field)));
}

/** Reads a field without alternatives, such as Provides. */
export function parseRelationList(value: string, field: string): readonly DebRelation[] {
  return parseRelations(value, field).map(([relation, second]) => {
    if (relation === undefined || second !== undefined) throw refusal(`the field ${field} may have no alternatives`);
    return relation;
  });
}

function parseRelation(text: string, field: string): DebRelation {
  const [, name, qualifier, sign, version] = one.exec(text) ?? [];
  if (name === undefined) throw refusal(`the field ${field} has ${JSON.stringify(text.slice(0, 120))}, which is no package relation`);
  const operator = sign === undefined ? undefined : operators[sign];
  const named = qualifier === undefined ? { name } : { name, qualifier };
  return operator === undefined || version === undefined ? named : { ...named, operator, version };
}

/** True when what is provided meets what is required: a version that is asked for is never met by what tells none. */
export function meetsRelation(required: DebRelation, provided: Pick<DebRelation, 'name' | 'version'>): boolean {
  if (required.name !== provided.name) return false;
  if (required.operator === undefined || required.version === undefined) return true;
  if (provided.version === undefined) return false;
  const compared = compareDebVersions(provided.version, required.version);
  switch (required.operator) {
    case '<':
      return compared < 0;
    case '<=':
      return compared <= 0;
    case '==':
      return compared === 0;
    case '>=':
      return compared >= 0;
    case '>':
      return compared > 0;
  }
}
