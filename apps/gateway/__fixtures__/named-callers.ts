import { createAuthorization } from '../../../libs/access/authorization/authorization.js';
import { accessSettingsFile } from '../../../libs/access/access-settings.js';
import type { Credentials } from '../../../libs/access/authenticator.js';
import type { Principal } from '../../../libs/access/principal.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import { parseSettingsFile } from '../../../libs/settings-file/read-settings-file.js';
import type { Access } from '../access/open-access.js';

/** `Authorization` of a request that this principal sends, to a gateway with `namedCallers`. */
export function named(principal: Partial<Principal> & Pick<Principal, 'name'>): { readonly authorization: string } {
  return { authorization: `Named ${encodeURIComponent(JSON.stringify({ groups: [], by: 'bearer', ...principal }))}` };
}

/** An access file in force, and an authenticator that believes whatever callers say of themselves, for specs of what they may do. */
export function namedCallers(yaml: string): Access {
  const settings = parseSettingsFile(yaml, 'access.yaml', accessSettingsFile);
  return {
    settings,
    authorization: createAuthorization(settings.authorization),
    openComposes: false,
    watch: () => undefined,
    told: () => undefined,
    tls: undefined,
    close: async () => undefined,
    authenticator: {
      backend: 'openidc',
      challenges: ['Named'],
      close: () => Promise.resolve(),
      authenticate: ({ authorization }: Credentials) => {
        if (authorization === 'Named nobody') return Promise.reject(new MillraceError('unauthorized', 'the credentials are wrong or expired'));
        if (authorization?.startsWith('Named ') !== true) return Promise.resolve(settings.authentication.anonymous ? { principal: { name: 'unknown', groups: [], by: 'none' as const, scopes: undefined } } : undefined);
        return Promise.resolve({ principal: JSON.parse(decodeURIComponent(authorization.slice('Named '.length))) as Principal });
      },
    },
  };
}
