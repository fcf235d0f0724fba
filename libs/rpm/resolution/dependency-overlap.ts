import type { Comparison, Dependency } from '../dependency.js';
import { compareVersionTexts, type PackageVersion } from '../version.js';

interface Range {
  readonly less: boolean;
  readonly equal: boolean;
  readonly greater: boolean;
}

const ranges: Readonly<Record<Comparison, Range>> = {
  LT: { less: true, equal: false, greater: false },
  LE: { less: true, equal: true, greater: false },
  EQ: { less: false, equal: true, greater: false },
  GE: { less: false, equal: true, greater: true },
  GT: { less: false, equal: false, greater: true },
};

/**
 * Whether two dependencies of the same name have a version in common, as rpm sees it: what has no version has them all. A missing epoch is 0. Where one
 * side has no release, any release matches it, if it may be equal at all. Names are not compared.
 */
export function dependenciesOverlap(left: Dependency, right: Dependency): boolean {
  const [one, other] = [rangeOf(left), rangeOf(right)];
  if (one === undefined || other === undefined) return true;
  const order = compare(one.version, one.range, other.version, other.range);
  if (order === 'matches') return true;
  if (order < 0) return one.range.greater || other.range.less;
  if (order > 0) return one.range.less || other.range.greater;
  return (one.range.equal && other.range.equal) || (one.range.less && other.range.less) || (one.range.greater && other.range.greater);
}

function rangeOf({ comparison, version }: Dependency): { readonly version: PackageVersion; readonly range: Range } | undefined {
  if (comparison === undefined || version === undefined || version.version === '') return undefined;
  return { version, range: ranges[comparison] };
}

function compare(left: PackageVersion, leftRange: Range, right: PackageVersion, rightRange: Range): number | 'matches' {
  const byVersion = left.epoch - right.epoch || compareVersionTexts(left.version, right.version);
  if (byVersion !== 0) return byVersion;
  if (left.release !== undefined && right.release !== undefined) return compareVersionTexts(left.release, right.release);
  if ((left.release !== undefined && rightRange.equal) || (right.release !== undefined && leftRange.equal)) return 'matches';
  return 0;
}
