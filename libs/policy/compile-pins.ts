import type { PolicyPin } from './policy-document.js';
import { compilePattern, type Matches, type UrlForms } from './policy-patterns.js';
import type { ArtefactFacts } from './policy-facts.js';

export interface CompiledPin {
  readonly pin: PolicyPin;
  readonly url: Matches | undefined;
}

export function compilePin(pin: PolicyPin): CompiledPin {
  return { pin, url: pin.url === undefined ? undefined : compilePattern(pin.url) };
}

/** Pins whose URL this is. */
export function pinsOfUrl(pins: readonly CompiledPin[], url: UrlForms): readonly PolicyPin[] {
  return pins.filter((compiled) => compiled.url?.(url.canonical) === true).map(({ pin }) => pin);
}

/** What the pins say of an artefact; `undecided`: only a SHA-512 could tell, and it is not known. */
export function judgePins(pins: readonly CompiledPin[], url: UrlForms, digests: ArtefactFacts['digests']): { readonly result: 'none' | 'undecided' } | { readonly result: 'pinned' | 'contradicted'; readonly pin: PolicyPin } {
  const ofUrl = pinsOfUrl(pins, url);
  const candidates = [...ofUrl, ...pins.filter((compiled) => compiled.url === undefined).map(({ pin }) => pin)];
  const pinned = candidates.find((pin) => pin.sha256 === digests.sha256 || pin.sha1 === digests.sha1 || (pin.sha512 !== undefined && pin.sha512 === digests.sha512));
  if (pinned !== undefined) return { result: 'pinned', pin: pinned };
  const [first] = ofUrl;
  if (first === undefined) return { result: 'none' };
  if (digests.sha512 === undefined && ofUrl.some((pin) => pin.sha512 !== undefined)) return { result: 'undecided' };
  return { result: 'contradicted', pin: first };
}

export function pinText(pin: PolicyPin): string {
  const [algorithm, digest] = pin.sha256 !== undefined ? ['SHA-256', pin.sha256] : pin.sha512 !== undefined ? ['SHA-512', pin.sha512] : ['SHA-1', pin.sha1 ?? ''];
  return `${algorithm} ${digest}${pin.name === undefined ? '' : ` (${pin.name})`}`;
}
