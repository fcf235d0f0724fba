import { isIP } from 'node:net';
import { compileGlob } from '../../policy/glob.js';
import { compileCidrs, contains } from './special-addresses.js';

/**
 * Which hosts go around the parent proxy: `host` (exact), `.example.com` (that name and all below it), globs (`*.example.com`, `*`) and, for
 * addresses, CIDRs. Throws `invalid-setting` for a CIDR that is wrong.
 */
export function compileHostPatterns(patterns: readonly string[]): (host: string) => boolean {
  const tests = patterns.map((pattern) => compileHostPattern(pattern.toLowerCase()));
  return (host) => tests.some((test) => test(host));
}

function compileHostPattern(pattern: string): (host: string) => boolean {
  if (pattern.startsWith('.')) return (host) => host === pattern.slice(1) || host.endsWith(pattern);
  if (pattern.includes('*') || pattern.includes('?')) return compileGlob(pattern);
  if (pattern.includes('/') || isIP(pattern) !== 0) {
    const list = compileCidrs([pattern]);
    return (host) => isIP(host) !== 0 && contains(list, host);
  }
  return (host) => host === pattern;
}
