import type { AuthenticationSettings } from './authentication-schema.js';

/** As ODCS's `about` has it. A front end's headers count as what it has most likely checked: ODCS itself knows nothing but such headers. */
export function backendName(settings: AuthenticationSettings | undefined, anonymous: boolean): string {
  const frontEnd = settings?.['front-end'];
  const openid = settings?.['openid-connect'] !== undefined || frontEnd?.['scopes-header'] !== undefined;
  const kerberos = settings?.kerberos !== undefined || (frontEnd?.['user-header'] !== undefined && frontEnd['scopes-header'] === undefined);
  const ssl = settings?.tls?.['client-certificates'] === 'optional' || frontEnd?.['certificate-subject-header'] !== undefined;
  if (openid) return kerberos ? 'oidc_or_kerberos' : 'openidc';
  if (kerberos) return ssl ? 'kerberos_or_ssl' : 'kerberos';
  if (ssl) return 'ssl';
  return anonymous ? 'noauth' : 'basic';
}
