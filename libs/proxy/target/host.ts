import { isIPv4, isIPv6 } from 'node:net';

export type HostKind = 'name' | 'ipv4' | 'ipv6';

export type HostResult =
  | { readonly ok: true; readonly host: string; readonly kind: HostKind }
  | { readonly ok: false; readonly reason: string };

const maximumNameLength = 253;
const nameSyntax = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
/** A last label that resolvers and browsers read as part of a number: `0x7f.1`, `2130706433`, `0177.0.0.1`. */
const numericEnd = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/;

/**
 * Reads the host of an authority: an IPv6 address in brackets, a dotted IPv4 address or a name. The result is what is recorded, put in the
 * certificate and connected to: lower case, no trailing dot, IPv6 in its shortest form without brackets. Anything that two programs could
 * read as two different hosts (hexadecimal and octal addresses, zone ids, percent-encoding, non-ASCII) is refused.
 */
export function parseHost(raw: string): HostResult {
  if (raw.charCodeAt(0) === 0x5b /* [ */) return parseBracketed(raw);
  if (raw === '') return { ok: false, reason: 'the host is empty' };
  if (raw.length > maximumNameLength + 1) return { ok: false, reason: 'the host is longer than 253 characters' };
  const lower = raw.toLowerCase();
  const host = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  if (numericEnd.test(host)) {
    if (isIPv4(host)) return { ok: true, host, kind: 'ipv4' };
    return { ok: false, reason: 'the host is a number that is not a dotted IPv4 address' };
  }
  if (host.length > maximumNameLength || !nameSyntax.test(host)) return { ok: false, reason: 'the host is not a valid name' };
  return { ok: true, host, kind: 'name' };
}

/** `host` as it stands in a URL or a Host field: IPv6 in brackets. */
export function bracketHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function parseBracketed(raw: string): HostResult {
  const inner = raw.endsWith(']') ? raw.slice(1, -1) : '';
  // isIPv6 accepts a zone id (`fe80::1%eth0`), which means something on one machine only.
  if (inner.includes('%') || !isIPv6(inner)) return { ok: false, reason: 'the host in brackets is not an IPv6 address' };
  return { ok: true, host: new URL(`http://[${inner}]/`).hostname.slice(1, -1), kind: 'ipv6' };
}
