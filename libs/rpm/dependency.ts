import type { PackageVersion } from './version.js';

export type Comparison = 'LT' | 'LE' | 'EQ' | 'GE' | 'GT';

/** One capability that a package provides, needs or rules out. */
export interface Dependency {
  /** A name, a file's path, or a whole rich dependency in parentheses: `(a if b)`. */
  readonly name: string;
  /** With `version`, or not at all. */
  readonly comparison?: Comparison;
  readonly version?: PackageVersion;
  /** Needed before the package is installed (`Requires(pre)` and the like). */
  readonly before?: true;
}

export const dependencyKinds = ['requires', 'provides', 'conflicts', 'obsoletes', 'recommends', 'suggests', 'supplements', 'enhances'] as const;
export type DependencyKind = (typeof dependencyKinds)[number];

/** Whether it is an expression of several dependencies (`and`, `or`, `if`, `unless`, `with`, `without`). */
export function isRich(dependency: Dependency): boolean {
  return dependency.name.startsWith('(');
}
