import type { Dependency } from '../dependency.js';
import { isRich } from '../dependency.js';
import { parseRichDependency, type RichDependency } from './rich-dependency.js';

/** What a dependency of a package asks for; undefined: it cannot be read, so nothing satisfies it. */
export type ReadRequirement = (dependency: Dependency) => RichDependency | undefined;

/** Reads each text once: the same rich dependencies stand in many packages. */
export function createRequirementReader(): ReadRequirement {
  const known = new Map<string, RichDependency | undefined>();
  return (dependency) => {
    if (!isRich(dependency)) return { kind: 'one', dependency };
    if (!known.has(dependency.name)) known.set(dependency.name, readOrNothing(dependency.name));
    return known.get(dependency.name);
  };
}

/** rpm answers these itself: `rpmlib(PayloadIsZstd)`. */
export function isForRpmItself({ name }: Dependency): boolean {
  return name.startsWith('rpmlib(');
}

/** Every simple dependency in it. */
export function* leavesOf(expression: RichDependency): Generator<Dependency, void> {
  switch (expression.kind) {
    case 'one':
      yield expression.dependency;
      return;
    case 'if':
    case 'unless':
      for (const part of [expression.wanted, expression.condition, expression.otherwise]) if (part !== undefined) yield* leavesOf(part);
      return;
    default:
      for (const operand of expression.operands) yield* leavesOf(operand);
  }
}

function readOrNothing(text: string): RichDependency | undefined {
  try {
    return parseRichDependency(text);
  } catch {
    return undefined;
  }
}
