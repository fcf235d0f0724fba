import type { VisibilityLimit } from '../../inspection/inspector.js';

const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,12})?(?:Z|[+-]\d{2}:\d{2})$/;

/** A time as an index tells it (RFC 3339), in the form of the report: UTC with milliseconds. Empty for what is none. */
export function readPublicationTime(value: unknown): string {
  if (typeof value !== 'string' || !timePattern.test(value)) return '';
  const time = Date.parse(value);
  return Number.isNaN(time) ? '' : new Date(time).toISOString();
}

/** A release, for reasons. */
export interface DatedRelease {
  /** `left-pad 1.3.0` */
  readonly label: string;
  /** As `readPublicationTime` gives it; empty when nobody told. */
  readonly published: string;
}

/** Whether a release with this publication time may be seen. One without a time may not: it could be as young as can be. */
export function isVisible(published: string, limit: VisibilityLimit): boolean {
  return published !== '' && Date.parse(published) <= limit.until;
}

/** Why a release may not be used; undefined when it may. */
export function explainHidden({ label, published }: DatedRelease, limit: VisibilityLimit | undefined): string | undefined {
  if (limit === undefined || isVisible(published, limit)) return undefined;
  const until = formatUntil(limit);
  return published === ''
    ? `no index of this session tells when ${label} was published, so that it cannot be told to be from before ${until} (${limit.because}); use a registry that gives times, or except the package in the policy`
    : `${label} was published at ${published}, after ${until} (${limit.because}); use an older release, or except the package in the policy`;
}

/** For an index that gives no times at all. `advice` says how one with times is had. */
export function explainTimeless(what: string, limit: VisibilityLimit, advice: string): string {
  return `${what} tells no publication times, so that releases after ${formatUntil(limit)} cannot be hidden (${limit.because}); ${advice}, or except the package in the policy`;
}

/** `3 of 8 releases hidden by as-of 2026-01-01T00:00:00Z` */
export function describeHidden(hidden: number, all: number, limit: VisibilityLimit, noun = 'releases'): string {
  return `${hidden} of ${all} ${noun} hidden by ${limit.because}`;
}

/** The limit's moment; of a limit beyond what dates can say, the number. */
function formatUntil({ until }: VisibilityLimit): string {
  const date = new Date(until);
  return Number.isNaN(date.getTime()) ? String(until) : date.toISOString();
}
