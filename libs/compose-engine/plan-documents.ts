import canonicalize from 'canonicalize';
import type { ComposePlan, PlannedTree } from '../compose/compose-plan.js';

/** RFC 8785: equal plans have equal digests. */
export function planBytes(plan: ComposePlan): Buffer {
  return Buffer.from(canonicalize(plan) as string);
}

export function everyPackage(trees: readonly PlannedTree[]): PlannedTree['packages'] {
  return trees.flatMap(({ packages, debuginfo, sources }) => [...packages, ...debuginfo, ...sources]);
}

/** Seconds since 1970; 0 for composes without packages. */
export function newestTime(trees: readonly PlannedTree[]): number {
  return everyPackage(trees).reduce((newest, { fileTime }) => Math.max(newest, fileTime), 0);
}

/** As a stream for the content store. */
export async function* once(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}
