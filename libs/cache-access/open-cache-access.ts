import { createAuthenticator } from '../access/authentication/create-authenticator.js';
import { authenticationSchema } from '../access/authentication/authentication-schema.js';
import { authorizationSchema } from '../access/authorization/authorization-schema.js';
import { mainInstance } from '../cache/cache-instance.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { CacheAccess, CacheCaller } from './cache-access.js';
import type { CacheAccessOptions, CacheAccessSettings } from './cache-access-options.js';
import { compileRules, type CacheRules, type EntryKey } from './cache-decisions.js';
import type { CacheIdentity } from './cache-identity.js';
import { createRates, type CacheRates } from './cache-rates.js';
import { createCacheLogin } from './create-cache-login.js';

const challenges = ['Bearer realm="millrace"', 'Basic realm="millrace", charset="UTF-8"'] as const;

/** Who callers of the cache are, and what they may do in each instance. Errors: `invalid-setting`. */
export async function openCacheAccess(settings: CacheAccessSettings, options: CacheAccessOptions): Promise<CacheAccess> {
  const { access, authenticator: given, takings, now = Date.now } = options;
  const authorization = access?.authorization ?? authorizationSchema.parse({});
  const authenticator = given ?? (await createAuthenticator(access?.authentication ?? authenticationSchema.parse({}), { ...options, composeAuth: 'basic' }));
  const login = createCacheLogin(settings, { ...options, authenticator, now });
  const instances = new Map(Object.entries(settings.instances).map(([name, instance]) => [name, { rules: compileRules(instance, authorization), rates: createRates(instance.rates, now) }]));
  const identities = new WeakMap<CacheCaller, CacheIdentity>();

  function instanceNamed(name: string): { readonly rules: CacheRules; readonly rates: CacheRates } {
    const instance = instances.get(name === '' ? mainInstance : name);
    if (instance === undefined) throw new MillraceError('invalid-request', `there is no instance ${JSON.stringify(name.slice(0, 200))} of the artifact cache`);
    return instance;
  }

  function identityOf(caller: CacheCaller): CacheIdentity {
    const identity = identities.get(caller);
    if (identity === undefined) throw new Error('the caller was not identified by this access');
    return identity;
  }

  return {
    challenges: [...new Set([...challenges, ...authenticator.challenges])],
    async identify(credentials) {
      const identity = await login.identify(credentials);
      const caller: CacheCaller = { name: identity.name, session: identity.session?.id, groups: identity.principal?.groups ?? [] };
      identities.set(caller, identity);
      return caller;
    },
    demand(caller, action, instance, key) {
      const identity = identityOf(caller);
      const { rules, rates } = instanceNamed(instance);
      if (!isUnlimited(identity)) rates.request(identity.counted);
      if (!decide(rules, identity, action, key)) throw refusal(caller, action, instance, key);
      if (action === 'push' && !isUnlimited(identity)) rates.push(identity.counted);
    },
    count(caller, instance, bytes) {
      const identity = identityOf(caller);
      if (!isUnlimited(identity)) instanceNamed(instance).rates.bytes(identity.counted, bytes);
    },
    origin: (caller, said) => (caller.session === undefined ? said : { ...said, session: caller.session }),
    took(caller, name, how) {
      if (caller.session !== undefined) takings.note(caller.session, name, how);
    },
    async close() {
      await takings.close();
      await login.close();
      if (given === undefined) await authenticator.close();
    },
  };
}

/** The control credentials. */
function isUnlimited({ principal }: CacheIdentity): boolean {
  return principal?.by === 'control';
}

function decide(rules: CacheRules, identity: CacheIdentity, action: 'pull' | 'push' | 'admin', key: EntryKey | undefined): boolean {
  if (action === 'admin') return rules.isAdmin(identity);
  return action === 'pull' ? rules.mayPull(identity) : rules.mayPush(identity, key);
}

function refusal({ name }: CacheCaller, action: 'pull' | 'push' | 'admin', instance: string, key: EntryKey | undefined): MillraceError {
  const where = `the instance ${instance === '' ? mainInstance : instance} of the artifact cache`;
  const deed = { pull: `read from ${where}`, push: `push to ${where}`, admin: `administer ${where}` }[action];
  if (name === 'anonymous') return new MillraceError('unauthorized', `only known callers may ${deed}`, { suggestion: 'Send credentials: a token, those of a session, or a client certificate; docs/reference/artifact-cache-access.md.' });
  const what = key === undefined ? '' : ` an entry of kind ${key.kind} with the key ${JSON.stringify(key.key.slice(0, 200))}`;
  return new MillraceError('forbidden', `${name} may not ${deed}${what}`, { suggestion: `An operator allows it under access.${action === 'pull' ? 'pull' : action} of that instance, in the file of MILLRACE_CACHE.` });
}
