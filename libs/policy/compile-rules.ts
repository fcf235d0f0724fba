import { licenceSatisfied } from './licence-expression.js';
import type { PolicyRule } from './policy-document.js';
import { compilePattern, withoutVersion, type Matches, type UrlForms } from './policy-patterns.js';

/** What rules look at, made once for all of them. */
export interface Subject {
  readonly ecosystem: string | undefined;
  readonly url: UrlForms;
  /** Deny rules are asked about both. */
  readonly servedFrom?: UrlForms;
  /** Undefined while only the request is known. */
  readonly artefact?: { readonly purls: readonly string[]; readonly licence: string; readonly isRelease: boolean; readonly isIndex: boolean };
}

export interface CompiledRule {
  readonly rule: PolicyRule;
  readonly host: Matches | undefined;
  readonly url: Matches | undefined;
  readonly purl: Matches | undefined;
  /** The purl's pattern without its version, for documents about a package. */
  readonly purlName: Matches | undefined;
}

export function compileRule(rule: PolicyRule): CompiledRule {
  const pattern = (text: string | undefined): Matches | undefined => (text === undefined ? undefined : compilePattern(text));
  return { rule, host: pattern(rule.host?.toLowerCase()), url: pattern(rule.url), purl: pattern(rule.purl), purlName: pattern(rule.purl === undefined ? undefined : withoutVersion(rule.purl)) };
}

/**
 * The rule that denies a subject; undefined when none does, or when that cannot be told before the artefact is there. The licences of all
 * rules that match otherwise are taken together: who denies A and denies B denies `A OR B`.
 */
export function denyingRule(rules: readonly CompiledRule[], subject: Subject): PolicyRule | undefined {
  const licences = new Set<string>();
  let last: PolicyRule | undefined;
  for (const compiled of rules) {
    const { rule } = compiled;
    if (rule.ecosystem !== undefined && rule.ecosystem !== subject.ecosystem) continue;
    if (compiled.host?.(subject.url.hosts) === false || compiled.url?.(subject.url.all) === false) continue;
    if (compiled.purl !== undefined && (subject.artefact === undefined || !compiled.purl(subject.artefact.purls))) continue;
    if (rule.licence === undefined) return rule;
    // What an index says is the licence of some version, not of the one that is wanted.
    if (subject.artefact === undefined || subject.artefact.isIndex || subject.artefact.licence === '') continue;
    for (const id of rule.licence) licences.add(id);
    last = rule;
  }
  if (last === undefined || subject.artefact === undefined) return undefined;
  const { licence } = subject.artefact;
  // Denied when it cannot be had without a denied licence.
  const free = licenceSatisfied(licence, (id) => !licences.has(id));
  return free === false || (free === undefined && licences.has(licence)) ? last : undefined;
}

export type Allowance =
  /** No rule is about this ecosystem. */
  | 'no-list'
  | 'allowed'
  | 'not-listed'
  /** A rule would allow it if its licence were another, or known. */
  | 'licence';

/** What the allow list says of a subject; of a request, whether its artefact may turn out to be allowed. */
export function allowance(rules: readonly CompiledRule[], subject: Subject): Allowance {
  const list = rules.filter(({ rule }) => rule.ecosystem === undefined || rule.ecosystem === subject.ecosystem);
  if (list.length === 0) return 'no-list';
  const licences = new Set<string>();
  for (const compiled of list) {
    if (compiled.host?.(subject.url.hosts) === false || compiled.url?.(subject.url.canonical) === false || !purlAllows(compiled, subject)) continue;
    const { licence } = compiled.rule;
    // Only a release has a licence: its index has none.
    if (licence === undefined || subject.artefact === undefined || !subject.artefact.isRelease) return 'allowed';
    for (const id of licence) licences.add(id);
  }
  if (licences.size === 0) return 'not-listed';
  return licenceSatisfied(subject.artefact?.licence ?? '', (id) => licences.has(id)) === true ? 'allowed' : 'licence';
}

/** Documents about a package are allowed when some version of it is; those that are about none, always. */
function purlAllows({ purl, purlName }: CompiledRule, { artefact }: Subject): boolean {
  if (purl === undefined || purlName === undefined || artefact === undefined) return true;
  if (artefact.isRelease) return purl(artefact.purls);
  return artefact.purls.length === 0 || purlName(artefact.purls) || purl(artefact.purls);
}

