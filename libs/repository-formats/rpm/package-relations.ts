import type { Comparison, Dependency } from '../../rpm/dependency.js';
import { parseFilelists } from '../../rpm/metadata/filelists-and-other.js';
import { parsePrimary } from '../../rpm/metadata/primary.js';
import { dependenciesOverlap } from '../../rpm/resolution/dependency-overlap.js';
import { createRequirementReader, leavesOf } from '../../rpm/resolution/requirement.js';
import type { RichDependency } from '../../rpm/resolution/rich-dependency.js';
import { formatVersion, parseVersion } from '../../rpm/version.js';
import { decodeFragments } from '../../rpm-repository/package-record.js';
import type { PackageRelations, Relation } from '../package-format.js';

type Operator = NonNullable<Relation['operator']>;

const operators: Readonly<Record<Comparison, Operator>> = { LT: '<', LE: '<=', EQ: '==', GE: '>=', GT: '>' };
const comparisons: Readonly<Partial<Record<Operator, Comparison>>> = { '<': 'LT', '<=': 'LE', '==': 'EQ', '>=': 'GE', '>': 'GT' };

/** Of one requirement; what a hostile or odd one would multiply to beyond it is asked for more loosely. */
const maxClauses = 64;

/**
 * What a package's metadata say that it needs and offers; its files count as offered. Conditions (`a if b`) are not needs of a repository: whoever installs may do without `b`.
 * So nothing is told to be missing that is not; `else` counts as an alternative.
 */
export function relationsOf(metadata: Buffer): PackageRelations {
  const { beforeTime, beforeHref, afterHref, filelists } = decodeFragments(metadata);
  const { dependencies } = parsePrimary(Buffer.concat([beforeTime, Buffer.from('0'), beforeHref, Buffer.from('package.rpm'), afterHref]));
  const read = createRequirementReader();
  return {
    provides: [...dependencies.provides.map(toRelation), ...parseFilelists(filelists).files.map(({ path }) => ({ name: path }))],
    requires: dependencies.requires.flatMap((dependency) => {
      const expression = read(dependency);
      // Nothing has such a name, so it is told.
      return expression === undefined ? [[{ name: dependency.name }]] : toClauses(expression);
    }),
    conflicts: dependencies.conflicts.flatMap((dependency) => {
      const expression = read(dependency);
      return expression?.kind === 'one' ? [toRelation(expression.dependency)] : [];
    }),
  };
}

/** Names are equal, and versions may be so too, as rpm sees it: what has no version has them all. */
export function satisfies(required: Relation, provided: Relation): boolean {
  return required.name === provided.name && dependenciesOverlap(toDependency(required), toDependency(provided));
}

function toRelation({ name, comparison, version }: Dependency): Relation {
  return comparison === undefined || version === undefined ? { name } : { name, operator: operators[comparison], version: formatVersion(version) };
}

function toDependency({ name, operator, version }: Relation): Dependency {
  const comparison = operator === undefined ? undefined : comparisons[operator];
  return comparison === undefined || version === undefined ? { name } : { name, comparison, version: parseVersion(version) };
}

type Clauses = readonly (readonly Relation[])[];

/** All of the outer ones, any of the inner ones. */
function toClauses(expression: RichDependency): Clauses {
  switch (expression.kind) {
    case 'one':
    case 'with':
    case 'without':
      return [toChoices(expression)];
    case 'and':
      return expression.operands.flatMap(toClauses);
    case 'or':
      return expression.operands.map(toClauses).reduce(anyOf);
    case 'if':
      return expression.otherwise === undefined ? [] : anyOf(toClauses(expression.wanted), toClauses(expression.otherwise));
    case 'unless':
      // As libsolv has it: `b` must not be there, so `a` has to be.
      return expression.otherwise === undefined ? toClauses(expression.wanted) : anyOf(toClauses(expression.wanted), toClauses(expression.otherwise));
  }
}

/** Any of them, each of one package. */
function toChoices(expression: RichDependency): readonly Relation[] {
  switch (expression.kind) {
    case 'one':
      return [toRelation(expression.dependency)];
    case 'or':
      return expression.operands.flatMap(toChoices);
    case 'with':
      return expression.operands.map(toChoices).reduce(bothOf);
    case 'without': {
      const [wanted, unwanted] = expression.operands.map(toChoices);
      return (wanted ?? []).map((choice) => ({ ...choice, butNot: [...(choice.butNot ?? []), ...(unwanted ?? [])] }));
    }
    default:
      // rpm builds no package with one of these inside a choice of one package: any of it will do.
      return [...leavesOf(expression)].map(toRelation);
  }
}

function bothOf(one: readonly Relation[], other: readonly Relation[]): readonly Relation[] {
  if (one.length * other.length > maxClauses) return one;
  return one.flatMap((left) => other.map(({ also = [], butNot = [], ...right }) => ({ ...left, also: [...(left.also ?? []), right, ...also], ...(butNot.length + (left.butNot?.length ?? 0) === 0 ? {} : { butNot: [...(left.butNot ?? []), ...butNot] }) })));
}

function anyOf(one: Clauses, other: Clauses): Clauses {
  if (one.length === 0 || other.length === 0) return [];
  if (one.length * other.length > maxClauses) return [[...one, ...other].flat()];
  return one.flatMap((left) => other.map((right) => [...left, ...right]));
}
