import type { PackageFormat, PackageRelations, Relation } from '../../../libs/repository-formats/package-format.js';
import type { ListedPackage } from '../../../libs/repository/listed-package.js';
import type { BuilderChoice, BuilderRequest, OfferedPackage } from './builder-resolver.js';

type RelationRules = Pick<PackageFormat, 'relations' | 'satisfies' | 'compareVersions'>;

interface Candidate {
  readonly listed: ListedPackage;
  readonly relations: PackageRelations;
}

/**
 * For formats without a resolver of their own. A package that is named by its key is taken alone: its own package manager finds what it needs in the repository. A requirement takes
 * the newest package that meets it, and whatever that one requires and either repository has; what neither has is told only of requirements that were asked for.
 */
export async function resolveRelations(rules: RelationRules, { wanted, packages, systemPackages }: BuilderRequest): Promise<BuilderChoice> {
  const candidates = [...(await readAll(rules, packages)), ...(await readAll(rules, systemPackages))];
  const byKey = new Map(candidates.map((candidate) => [candidate.listed.key, candidate]));
  const providers = indexProviders(candidates);
  const chosen = new Map<string, Candidate>();
  const unresolved: { requirement: string; reason: string }[] = [];
  for (const text of wanted) {
    const named = byKey.get(text);
    if (named !== undefined) {
      chosen.set(text, named);
      continue;
    }
    const requirement = parseRequirement(text);
    const provider = requirement === undefined ? undefined : best(rules, providers, [requirement]);
    if (provider === undefined) unresolved.push({ requirement: text, reason: requirement === undefined ? 'is neither a requirement nor a package of the repository' : 'nothing in the repository meets it' });
    else takeWithRequires(provider, { rules, providers, chosen });
  }
  return { chosen: [...chosen.keys()], unresolved };
}

function takeWithRequires(first: Candidate, { rules, providers, chosen }: { readonly rules: RelationRules; readonly providers: ReadonlyMap<string, readonly Offer[]>; readonly chosen: Map<string, Candidate> }): void {
  const open = [first];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (chosen.has(next.listed.key)) continue;
    chosen.set(next.listed.key, next);
    for (const alternatives of next.relations.requires) {
      const met = alternatives.some((each) => offersOf(rules, providers, each).some(({ candidate }) => chosen.has(candidate.listed.key)));
      const provider = met ? undefined : best(rules, providers, alternatives);
      if (provider !== undefined) open.push(provider);
    }
  }
}

interface Offer {
  readonly candidate: Candidate;
  readonly provided: Relation;
}

function indexProviders(candidates: readonly Candidate[]): ReadonlyMap<string, readonly Offer[]> {
  const offers = candidates.flatMap((candidate) => candidate.relations.provides.map((provided) => ({ candidate, provided })));
  return Map.groupBy(offers, ({ provided }) => provided.name);
}

function offersOf({ satisfies }: RelationRules, providers: ReadonlyMap<string, readonly Offer[]>, required: Relation): readonly Offer[] {
  return (providers.get(required.name) ?? []).filter(({ provided }) => satisfies(required, provided));
}

/** The first alternative that anything meets; of that the newest. */
function best(rules: RelationRules, providers: ReadonlyMap<string, readonly Offer[]>, alternatives: readonly Relation[]): Candidate | undefined {
  for (const required of alternatives) {
    const [newest] = offersOf(rules, providers, required).toSorted((one, other) => rules.compareVersions(other.candidate.listed.version, one.candidate.listed.version));
    if (newest !== undefined) return newest.candidate;
  }
  return undefined;
}

/** `foo`, `foo >= 1.2`. */
export function parseRequirement(text: string): Relation | undefined {
  const [, name, operator, version] = /^(\S{1,256})(?:\s+(<|<=|=|==|!=|>=|>)\s+(\S{1,256}))?$/.exec(text.trim()) ?? [];
  if (name === undefined) return undefined;
  return operator === undefined || version === undefined ? { name } : { name, operator: (operator === '=' ? '==' : operator) as NonNullable<Relation['operator']>, version };
}

async function readAll(rules: RelationRules, packages: AsyncIterable<OfferedPackage>): Promise<readonly Candidate[]> {
  const read: Candidate[] = [];
  for await (const { listed, metadata } of packages) read.push({ listed, relations: rules.relations(metadata) });
  return read;
}
