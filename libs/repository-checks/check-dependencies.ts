import { isMillraceError, MillraceError } from '../errors/millrace-error.js';
import { errorMessage } from '../errors/error-message.js';
import type { PackageFormat, PackageRelations, Relation } from '../repository-formats/package-format.js';
import type { ListedPackage } from '../repository/listed-package.js';
import type { RepositoryKind } from '../repository/repository.js';
import type { CheckOptions, CheckParts } from './check-parts.js';
import type { FindingCollector } from './collect-findings.js';
import type { Finding } from './finding.js';
import { meetsBesides, requirementText as relationText } from '../repository-formats/meets-requirement.js';
import { installedTogether } from './installed-together.js';

export interface DependenciesSubject {
  readonly name: string;
  readonly kind: RepositoryKind;
  readonly state: number;
  readonly findings: FindingCollector;
}

/** A requirement, once for all packages of an architecture that have it. */
interface Requirement {
  readonly architecture: string;
  readonly alternatives: readonly Relation[];
  /** The first of them. */
  readonly neededBy: PackageOf[];
  needed: number;
  met: boolean;
  /** Versions that are there and do not do; most requirements have none. */
  seen: string[] | undefined;
}

interface Conflict {
  readonly relation: Relation;
  readonly of: PackageOf[];
}

type PackageOf = NonNullable<Finding['package']>;

const atOnce = 500;
/** Packages that are named for one requirement, and versions. */
const [named, versionsShown] = [20, 5];
/** Pairs of packages that conflict; many repositories have alternatives of everything. */
const conflictsTold = 10_000;

/**
 * Whether everything that packages need is offered. Two passes over what is known of the packages: what is needed, then what is offered of that; so the memory that it takes
 * follows the different requirements, not the packages.
 */
export async function checkDependencies(parts: CheckParts, subject: DependenciesSubject, options: CheckOptions): Promise<void> {
  const format = parts.formats[subject.kind];
  const requirements = new Map<string, Requirement>();
  const conflicts = new Map<string, Conflict>();
  for await (const [listed, relations] of relationsOf(parts, { ...subject, format }, options)) {
    const by = about(listed);
    for (const alternatives of relations.requires) addRequirement(requirements, alternatives, by);
    for (const relation of relations.conflicts) addConflict(conflicts, relation, by);
  }
  const wanted = byName([...requirements.values()].flatMap((requirement) => requirement.alternatives.map((relation) => [relation.name, { relation, requirement }] as const)));
  const unwanted = byName([...conflicts.values()].map((conflict) => [conflict.relation.name, conflict] as const));
  const told = new Set<string>();
  for (const name of [subject.name, ...(options.with ?? [])]) {
    const own = name === subject.name;
    const place = own ? subject : { ...subject, name, state: await stateOf(name, subject.kind, parts), findings: undefined };
    for await (const [listed, { provides }] of relationsOf(parts, { ...place, format, told: own }, options)) {
      for (const provided of provides) {
        for (const { relation, requirement } of wanted.get(provided.name) ?? []) if (installedTogether(subject.kind, requirement.architecture, listed.architecture)) meet(format, requirement, { relation, provided, provides });
        if (own) for (const conflict of unwanted.get(provided.name) ?? []) tellConflicts(format, { kind: subject.kind, conflict, provided, listed, told }, subject.findings);
      }
    }
  }
  for (const requirement of requirements.values()) if (!requirement.met) tellUnmet(requirement, subject.findings);
}

/** Errors: `invalid-request`: none of the kind is called so. */
async function stateOf(name: string, kind: RepositoryKind, { reads }: Pick<CheckParts, 'reads'>): Promise<number> {
  const other = await reads.get(name).catch((error: unknown) => {
    if (isMillraceError(error) && error.code === 'repository-not-found') return undefined;
    throw error;
  });
  if (other?.kind === kind) return other.state;
  throw new MillraceError('invalid-request', `packages are to be checked with those of ${name}, and there is no ${kind} repository of that name`, { suggestion: 'Name one in `checkWith` of the settings, or none.' });
}

interface Place {
  readonly name: string;
  readonly state: number;
  readonly kind: RepositoryKind;
  readonly format: PackageFormat;
  /** What cannot be read is told where there is a collector, and only once. */
  readonly findings: FindingCollector | undefined;
  readonly told?: boolean;
}

async function* relationsOf({ reads }: CheckParts, place: Place, { signal, onProgress }: CheckOptions): AsyncGenerator<readonly [ListedPackage, PackageRelations], void> {
  let batch: ListedPackage[] = [];
  let done = 0;
  async function* flush(): AsyncGenerator<readonly [ListedPackage, PackageRelations], void> {
    signal.throwIfAborted();
    const metadata = await reads.metadata(place.kind, batch.map(({ sha256 }) => sha256));
    for (const listed of batch) {
      const relations = readRelations(place, listed, metadata.get(listed.sha256));
      if (relations !== undefined) yield [listed, relations];
    }
    done += batch.length;
    batch = [];
    onProgress?.({ step: 'dependencies', done, total: done });
  }
  for await (const listed of reads.allPackages(place.name, place.state)) {
    batch.push(listed);
    if (batch.length === atOnce) yield* flush();
  }
  yield* flush();
}

function readRelations({ format, findings, told }: Place, listed: ListedPackage, metadata: Buffer | undefined): PackageRelations | undefined {
  const tell = (why: string): void => {
    if (told !== true) findings?.add({ kind: 'missing-metadata', package: about(listed), path: listed.path, expected: listed.sha256, message: `what is known of ${listed.key} ${why}: its index entry cannot be written again` });
  };
  if (metadata === undefined) {
    tell('is lost');
    return undefined;
  }
  try {
    return format.relations(metadata);
  } catch (error) {
    tell(`cannot be read (${errorMessage(error).slice(0, 200)})`);
    return undefined;
  }
}

function addRequirement(requirements: Map<string, Requirement>, alternatives: readonly Relation[], by: PackageOf): void {
  const { architecture } = by;
  const text = `${architecture}\0${alternatives.map(relationText).join(' | ')}`;
  const known = requirements.get(text) ?? { architecture, alternatives, neededBy: [], needed: 0, met: false, seen: undefined };
  requirements.set(text, known);
  known.needed += 1;
  if (known.neededBy.length < named) known.neededBy.push(by);
}

function addConflict(conflicts: Map<string, Conflict>, relation: Relation, by: PackageOf): void {
  const text = relationText(relation);
  const known = conflicts.get(text) ?? { relation, of: [] };
  conflicts.set(text, known);
  if (known.of.length < named) known.of.push(by);
}

function byName<Item>(pairs: readonly (readonly [string, Item])[]): ReadonlyMap<string, readonly Item[]> {
  const map = new Map<string, Item[]>();
  for (const [name, item] of pairs) {
    const items = map.get(name);
    if (items === undefined) map.set(name, [item]);
    else items.push(item);
  }
  return map;
}

function meet(format: PackageFormat, requirement: Requirement, { relation, provided, provides }: { readonly relation: Relation; readonly provided: Relation; readonly provides: readonly Relation[] }): void {
  if (requirement.met) return;
  if (format.satisfies(relation, provided) && meetsBesides(format, relation, provides)) requirement.met = true;
  else if ((requirement.seen ??= []).length < versionsShown) requirement.seen.push(relationText(provided));
}

function tellUnmet({ architecture, alternatives, neededBy, needed, seen }: Requirement, findings: FindingCollector): void {
  const expected = alternatives.map(relationText).join(' | ');
  const rest = needed - neededBy.length;
  const there = seen !== undefined ? { kind: 'version-conflict' as const, found: seen.join(', ') } : { kind: 'missing-dependency' as const };
  const why = there.found === undefined ? `which nothing provides for ${architecture}` : `and there is only ${there.found}`;
  for (const by of neededBy) findings.add({ ...there, package: by, expected, message: `${by.key} needs ${JSON.stringify(expected)}, ${why}` });
  if (rest > 0) findings.add({ ...there, expected, message: `${rest} more packages need ${JSON.stringify(expected)}, ${why}` });
}

interface ConflictMet {
  readonly kind: RepositoryKind;
  readonly conflict: Conflict;
  readonly provided: Relation;
  readonly listed: ListedPackage;
  readonly told: Set<string>;
}

/** Versions of one package are never installed together; that they conflict is no news. */
function tellConflicts(format: PackageFormat, { kind, conflict, provided, listed, told }: ConflictMet, findings: FindingCollector): void {
  const others = conflict.of.filter(({ name, key, architecture }) => name !== listed.name && installedTogether(kind, architecture, listed.architecture) && !told.has(`${key}\0${listed.key}`));
  if (others.length === 0 || told.size >= conflictsTold || !format.satisfies(conflict.relation, provided)) return;
  for (const by of others) {
    told.add(`${by.key}\0${listed.key}`);
    const expected = relationText(conflict.relation);
    findings.add({ kind: 'conflict', package: by, expected, found: listed.key, message: `${by.key} conflicts with ${JSON.stringify(expected)}, which ${listed.key} provides: they cannot be installed together` });
  }
}

function about({ key, name, version, architecture }: ListedPackage): PackageOf {
  return { key, name, version, architecture };
}
