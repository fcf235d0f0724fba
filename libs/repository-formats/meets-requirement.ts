import type { PackageFormat, Relation } from './package-format.js';

/** Whether a package, one of whose provides satisfies the requirement, has what it has to have besides, and nothing that it must not have. */
export function meetsBesides({ satisfies }: Pick<PackageFormat, 'satisfies'>, { also = [], butNot = [] }: Relation, provides: readonly Relation[]): boolean {
  const isProvided = (relation: Relation): boolean => provides.some((provided) => satisfies(relation, provided));
  return also.every(isProvided) && !butNot.some(isProvided);
}

/** As its package manager writes it. */
export function requirementText({ name, operator, version, also = [], butNot = [] }: Relation): string {
  const plain = operator === undefined || version === undefined ? name : `${name} ${operator} ${version}`;
  if (also.length + butNot.length === 0) return plain;
  return `(${[plain, ...also.map((each) => `with ${requirementText(each)}`), ...butNot.map((each) => `without ${requirementText(each)}`)].join(' ')})`;
}
