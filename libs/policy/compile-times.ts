import { compilePattern, purlForms, withoutVersion } from './policy-patterns.js';
import type { ArtefactFacts } from './policy-facts.js';
import type { PolicyContent } from './policy-document.js';

const day = 86_400_000;

/** As `VisibilityLimit` of the inspectors' interface. */
export interface TimeLimit {
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly because: string;
}

export interface ReleaseTimes {
  /** Up to when releases of a package may have been published; undefined: no limit, or the package is excepted. */
  visibleUntil(ecosystem: string, name: string): TimeLimit | undefined;
  /** Why the age of a release is not in order, with the line of the rule. */
  refusal(ecosystem: string, facts: ArtefactFacts): { readonly line: number; readonly reason: string } | undefined;
}

/** `as-of` and `cooldown` of one document. Ages count from the opening of the session: every proxy, index and dry run agrees on them. */
export function compileTimes({ asOf, cooldown }: PolicyContent, openedAt: number): ReleaseTimes {
  const excepted = (cooldown?.except ?? []).map((pattern) => ({ release: compilePattern(pattern), name: compilePattern(withoutVersion(pattern)) }));
  const asOfLimit = asOf === undefined ? undefined : { until: Date.parse(asOf.at), because: `as-of ${asOf.at}` };
  const cooldownLimit = cooldown === undefined ? undefined : { until: openedAt - cooldown.days * day, because: `cooldown of ${cooldown.days} days` };

  function limits(ecosystem: string, isExcepted: () => boolean): readonly (TimeLimit & { readonly line: number; readonly kind: 'as-of' | 'cooldown' })[] {
    return [
      ...(asOf !== undefined && asOfLimit !== undefined && asOf.ecosystems.includes(ecosystem) ? [{ ...asOfLimit, line: asOf.line, kind: 'as-of' as const }] : []),
      ...(cooldown !== undefined && cooldownLimit !== undefined && cooldown.ecosystems.includes(ecosystem) && !isExcepted() ? [{ ...cooldownLimit, line: cooldown.line, kind: 'cooldown' as const }] : []),
    ];
  }

  return {
    visibleUntil(ecosystem, name) {
      // An exception for one version shows the whole index; the other versions are refused one by one.
      const purls = namePurls(ecosystem, name);
      const [first, second] = limits(ecosystem, () => excepted.some((pattern) => pattern.name(purls) || pattern.release(purls)));
      const earliest = second === undefined || (first !== undefined && first.until <= second.until) ? first : second;
      return earliest === undefined ? undefined : { until: earliest.until, because: earliest.because };
    },
    refusal(ecosystem, { published, purl }) {
      const purls = purlForms(purl);
      for (const { until, because, line, kind } of limits(ecosystem, () => excepted.some((pattern) => pattern.release(purls)))) {
        const time = published === undefined || published === '' ? Number.NaN : Date.parse(published);
        if (Number.isNaN(time)) return { line, reason: `when it was published is not known, and ${because} is in force: let the build fetch it by way of an index that says so, or pin its digest` };
        if (time <= until) continue;
        const limit = new Date(until).toISOString();
        if (kind === 'as-of') return { line, reason: `it was published ${published}, after ${limit} (as-of): take a version that existed then` };
        return { line, reason: `it was published ${published}, and the ${because} lets nothing in that was published after ${limit}: take an older version, wait, or except its package URL` };
      }
      return undefined;
    },
  };
}

const purlTypes: Readonly<Record<string, string>> = { pip: 'pypi', go: 'golang', apt: 'deb', gem: 'gem', oci: 'oci' };

/** The package URL of a name in the forms that exceptions may be written for. */
function namePurls(ecosystem: string, name: string): readonly string[] {
  return purlForms(`pkg:${purlType(ecosystem)}/${name}`);
}

/** The type of an ecosystem's package URLs. */
export function purlType(ecosystem: string): string {
  return Object.hasOwn(purlTypes, ecosystem) ? (purlTypes[ecosystem] as string) : ecosystem;
}
