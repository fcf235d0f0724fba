import { setImmediate } from 'node:timers/promises';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { PackageFormat, PackageRelations, Relation } from '../../../libs/repository-formats/package-format.js';
import { meetsBesides, requirementText } from '../../../libs/repository-formats/meets-requirement.js';
import type { ListedPackage } from '../../../libs/repository/listed-package.js';
import type { BuilderChoice, BuilderRequest, OfferedPackage } from '../../../libs/repository-formats/builder-request.js';

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
  const offers = createOffers(rules, candidates);
  const chosen = new Map<string, Candidate>();
  const unresolved: { requirement: string; reason: string }[] = [];
  for (const text of wanted) {
    const named = byKey.get(text);
    if (named !== undefined) {
      chosen.set(text, named);
      continue;
    }
    const requirement = parseRequirement(text);
    const provider = requirement === undefined ? undefined : best(offers, [requirement]);
    if (provider === undefined) unresolved.push({ requirement: text, reason: requirement === undefined ? 'is neither a requirement nor a package of the repository' : 'nothing in the repository meets it' });
    else await takeWithRequires(provider, { offers, chosen });
  }
  return { chosen: [...chosen.keys()], unresolved };
}

async function takeWithRequires(first: Candidate, { offers, chosen }: { readonly offers: OffersOf; readonly chosen: Map<string, Candidate> }): Promise<void> {
  const open = [first];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (chosen.has(next.listed.key)) continue;
    chosen.set(next.listed.key, next);
    await setImmediate(); // others are served in between
    for (const alternatives of next.relations.requires) {
      const met = alternatives.some((each) => offers(each).some(({ listed }) => chosen.has(listed.key)));
      const provider = met ? undefined : best(offers, alternatives);
      if (provider !== undefined) open.push(provider);
    }
  }
}

/** All that meet it, the newest first. */
type OffersOf = (required: Relation) => readonly Candidate[];

/** Offers that are compared with requirements; each requirement is worked out once. A distribution has a few million. Whoever may publish could have billions. */
const mostComparisons = 5_000_000;

/** Errors of what it finds: `unresolvable` when that takes too many comparisons, in sum. */
function createOffers({ satisfies, compareVersions }: RelationRules, candidates: readonly Candidate[]): OffersOf {
  const providers = Map.groupBy(candidates.flatMap((candidate) => candidate.relations.provides.map((provided) => ({ candidate, provided }))), ({ provided }) => provided.name);
  const known = new Map<string, readonly Candidate[]>();
  let left = mostComparisons;
  return (required) => {
    const text = requirementText(required);
    const found = known.get(text);
    if ((left -= found?.length ?? (providers.get(required.name)?.length ?? 0) + 1) < 0) {
      throw new MillraceError('unresolvable', `what the packages need is too entangled to be resolved: more than ${mostComparisons} comparisons`, { suggestion: 'Ask for packages by their keys: package managers resolve by themselves what those need.' });
    }
    if (found !== undefined) return found;
    const meeting = (providers.get(required.name) ?? []).filter(({ candidate, provided }) => satisfies(required, provided) && meetsBesides({ satisfies }, required, candidate.relations.provides)).map(({ candidate }) => candidate);
    const sorted = [...new Set(meeting)].sort((one, other) => compareVersions(other.listed.version, one.listed.version));
    known.set(text, sorted);
    return sorted;
  };
}

/** Of the first alternative that anything meets, the newest. */
function best(offers: OffersOf, alternatives: readonly Relation[]): Candidate | undefined {
  for (const required of alternatives) {
    const [newest] = offers(required);
    if (newest !== undefined) return newest;
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
