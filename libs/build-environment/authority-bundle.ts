import { getCACertificates } from 'node:tls';

/** Millrace's authority first, then those of the system and of Node: for variables that replace a tool's own store. PEM, some 250 KB. */
export function authorityBundle(authorityPem: string): string {
  const known = new Set([...getCACertificates('system'), ...getCACertificates('bundled'), ...getCACertificates('extra')].map((pem) => pem.trim()));
  known.delete(authorityPem.trim());
  return `${[authorityPem.trim(), ...known].join('\n')}\n`;
}
