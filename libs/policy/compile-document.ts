import { compilePin, judgePins, pinsOfUrl, pinText } from './compile-pins.js';
import { allowance, compileRule, denyingRule, type Subject } from './compile-rules.js';
import { compileTimes, type TimeLimit } from './compile-times.js';
import type { PolicyContent, RequiredSignature } from './policy-document.js';
import { isIndex, isRelease, type ArtefactFacts, type PolicyOpinion, type RequestFacts } from './policy-facts.js';
import { compileOrigin, compilePattern, purlForms, urlForms, type UrlForms } from './policy-patterns.js';

export interface CompiledDocument {
  judgeRequest(facts: RequestFacts, url: UrlForms): PolicyOpinion | undefined;
  judgeArtefact(facts: ArtefactFacts, url: UrlForms): PolicyOpinion | undefined;
  visibleUntil(ecosystem: string, name: string): TimeLimit | undefined;
  needsSha512(url: UrlForms): boolean;
}

/**
 * One document. In it, what is denied stays denied; a pin comes before everything else (its author has looked at those very bytes); then
 * origins, the allow list, the age and the signatures, all of which have to be in order.
 */
export function compileDocument(content: PolicyContent, options: { readonly name: string; readonly openedAt: number; readonly mayPin: boolean }): CompiledDocument {
  const deny = content.deny.map(compileRule);
  const allow = content.allow.map(compileRule);
  const pins = options.mayPin ? content.pins.map(compilePin) : [];
  const origins = new Map(Object.entries(content.origins).map(([ecosystem, { from, line }]) => [ecosystem, { line, from: from.map(compileOrigin) }]));
  const times = compileTimes(content, options.openedAt);
  const signatures = content.signatures.map(compileSignature);
  const place = (line: number, key: string): string => `${options.name}, line ${line} (${key})`;

  function denied(subject: Subject): string | undefined {
    const { servedFrom } = subject;
    const rule = denyingRule(deny, subject) ?? (servedFrom === undefined ? undefined : denyingRule(deny, { ...subject, url: servedFrom }));
    if (rule === undefined) return undefined;
    return `${place(rule.line, 'deny')}: ${rule.reason ?? 'this is denied'}; use something else, or ask whoever keeps this policy`;
  }

  /** Origin and allow list. */
  function notListed(subject: Subject): string | undefined {
    const { ecosystem, url } = subject;
    const origin = ecosystem === undefined ? undefined : origins.get(ecosystem);
    if (origin !== undefined && !origin.from.some((matches) => matches(url))) {
      return `${place(origin.line, `origins.${ecosystem}`)}: ${url.hosts[0] ?? 'this host'} is no origin that ${ecosystem} may come from; configure an origin of the list, or add this one to it (millrace origins detect)`;
    }
    const about = ecosystem === undefined ? 'this' : `this ${ecosystem} artefact`;
    switch (allowance(allow, subject)) {
      case 'not-listed':
        return `${options.name} (allow): no rule of the allow list matches ${about}; use what is allowed, or add a rule`;
      case 'licence':
        return `${options.name} (allow): the licence of ${about}, ${subject.artefact?.licence === '' ? 'which is not known' : JSON.stringify(subject.artefact?.licence.slice(0, 200))}, is not met by the allowed ones; allow it, or pin the digest`;
      case 'no-list':
      case 'allowed':
        return undefined;
    }
  }

  function releaseRefusal(ecosystem: string, facts: ArtefactFacts, url: UrlForms): string | undefined {
    const age = times.refusal(ecosystem, facts);
    if (age !== undefined) return `${place(age.line, 'cooldown or as-of')}: ${age.reason}`;
    for (const { required, isSigned, applies } of signatures) {
      if (!applies(ecosystem, url) || isSigned(facts.signedBy ?? '')) continue;
      const found = facts.signedBy === undefined || facts.signedBy === '' ? 'no signature over it was verified' : `it is signed by ${facts.signedBy.slice(0, 200)} only`;
      return `${place(required.line, 'signatures')}: ${found}; use an origin that signs${required.keys.length === 0 ? '' : ' with a key of the list'}, or configure its key for the inspector`;
    }
    return undefined;
  }

  return {
    judgeRequest(facts, url) {
      const subjects = subjectsOf(facts, url);
      // A URL may look like that of several ecosystems: only when none of them may have it, it is refused before it is fetched.
      const denials = subjects.map(denied);
      if (denials.every((reason) => reason !== undefined)) return rejected(denials[0]);
      const [pin] = pinsOfUrl(pins, url);
      if (pin !== undefined) return { opinion: 'Pending', reason: `${place(pin.line, 'pins')}: the digest of this URL is pinned` };
      const refusals = subjects.map((subject, index) => denials[index] ?? notListed(subject));
      return refusals.every((reason) => reason !== undefined) ? rejected(refusals[0]) : undefined;
    },

    judgeArtefact(facts, url) {
      const release = isRelease(facts);
      const artefact = { purls: purlForms(facts.purl), licence: facts.licence, isRelease: release, isIndex: isIndex(facts) };
      const subjects = subjectsOf(facts, url).map((subject) => ({ ...subject, artefact }));
      const denial = firstDefined(subjects, denied);
      if (denial !== undefined) return rejected(denial);
      const pinned = judgePins(pins, url, facts.digests);
      if (pinned.result === 'pinned') return { opinion: 'Approved', reason: `${place(pinned.pin.line, 'pins')}: ${pinText(pinned.pin)} is pinned` };
      if (pinned.result === 'contradicted') return rejected(`${place(pinned.pin.line, 'pins')}: this URL is pinned to ${pinText(pinned.pin)}, and this is SHA-256 ${facts.digests.sha256}; find out why it has changed before you pin the new digest`);
      if (pinned.result === 'undecided') return { opinion: 'Unknown', reason: `${options.name} (pins): the SHA-512 that this URL is pinned to cannot be compared, because the record does not have it` };
      const refusal = firstDefined(subjects, (subject) => notListed(subject) ?? (release && subject.ecosystem !== undefined ? releaseRefusal(subject.ecosystem, facts, url) : undefined));
      return refusal === undefined ? undefined : rejected(refusal);
    },

    visibleUntil: (ecosystem, name) => times.visibleUntil(ecosystem, name),
    needsSha512: (url) => pins.some(({ pin, url: matches }) => pin.sha512 !== undefined && (matches === undefined || matches(url.canonical))),
  };
}

function subjectsOf({ ecosystems, servedFrom }: RequestFacts, url: UrlForms): readonly Subject[] {
  const where = { url, ...(servedFrom === undefined ? {} : { servedFrom: urlForms(servedFrom) }) };
  return ecosystems.length === 0 ? [{ ecosystem: undefined, ...where }] : ecosystems.map((ecosystem) => ({ ecosystem, ...where }));
}

function rejected(reason: string | undefined): PolicyOpinion {
  return { opinion: 'Rejected', reason: reason ?? '' };
}

function firstDefined<Item>(items: readonly Item[], find: (item: Item) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function compileSignature(required: RequiredSignature): { readonly required: RequiredSignature; readonly applies: (ecosystem: string, url: UrlForms) => boolean; readonly isSigned: (signedBy: string) => boolean } {
  const host = required.host === undefined ? undefined : compilePattern(required.host.toLowerCase());
  const keys = new Set(required.keys.map((key) => key.toLowerCase()));
  return {
    required,
    applies: (ecosystem, url) => ecosystem === required.ecosystem && host?.(url.hosts) !== false,
    isSigned: (signedBy) => {
      const signers = signedBy.toLowerCase().split(/\s+/).filter((signer) => signer !== '');
      return keys.size === 0 ? signers.length > 0 : signers.some((signer) => keys.has(signer) || keys.has(signer.slice(signer.indexOf(':') + 1)));
    },
  };
}
