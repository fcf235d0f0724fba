import { isDeepStrictEqual } from 'node:util';
import type { AccessSettings } from '../access/access-settings.js';
import { createAuthenticator } from '../access/authentication/create-authenticator.js';
import { authenticationSchema } from '../access/authentication/authentication-schema.js';
import { createFailedLogins, defaultFailuresPerMinute } from '../access/authentication/failed-logins.js';
import { refusedLogin } from '../access/authentication/login-method.js';
import type { Authenticator } from '../access/authenticator.js';
import type { AuthorizationSettings } from '../access/authorization/authorization-schema.js';
import { grantOf } from '../access/authorization/role-decisions.js';
import { authorizationSchema } from '../access/authorization/authorization-schema.js';
import { mainInstance } from '../cache/cache-instance.js';
import { MillraceError } from '../errors/millrace-error.js';
import type { CacheAccess, CacheCaller } from './cache-access.js';
import type { CacheAccessOptions, CacheAccessSettings } from './cache-access-options.js';
import type { InstanceAccess } from './cache-access-schema.js';
import { compileRules, type CacheRules, type EntryKey } from './cache-decisions.js';
import type { CacheIdentity } from './cache-identity.js';
import { createRates, type CacheRates } from './cache-rates.js';
import { createLoginLimit } from './login-limit.js';
import { createCacheLogin, type CacheLogin } from './create-cache-login.js';

const challenges = ['Bearer realm="millrace"', 'Basic realm="millrace", charset="UTF-8"'] as const;

type Action = 'pull' | 'push' | 'admin';

interface Demand {
  readonly action: Action;
  readonly instance: string;
  readonly key: EntryKey | undefined;
}

interface KnownCaller {
  readonly identity: CacheIdentity;
  readonly demands: Map<string, Demand>;
}

interface Instance {
  readonly access: InstanceAccess;
  readonly rules: CacheRules;
  readonly rates: CacheRates;
}

/** Settings may change while calls are under way: who has called stays known, and what callers have used up of their rates counts. */
export interface OpenCacheAccess extends CacheAccess {
  /** Instances that were not there at the start stay out. `access`: as of the options; where the authenticator was given, it stays. Errors: `invalid-setting`, and nothing has changed then. */
  replace(settings: CacheAccessSettings, access: AccessSettings | undefined): Promise<void>;
}

/** Who callers of the cache are, and what they may do in each instance. Errors: `invalid-setting`. */
export async function openCacheAccess(settings: CacheAccessSettings, options: CacheAccessOptions): Promise<OpenCacheAccess> {
  const { takings, now = Date.now } = options;
  const perMinute = options.access?.authentication['failed-logins-per-minute'] ?? defaultFailuresPerMinute;
  const limit = createLoginLimit(createFailedLogins({ perMinute, now }));
  const known = new WeakMap<CacheCaller, KnownCaller>();
  let current = await open(settings, options.access, new Map());

  async function open(file: CacheAccessSettings, access: AccessSettings | undefined, before: ReadonlyMap<string, Instance>): Promise<{ readonly authorization: AuthorizationSettings; readonly authenticator: Authenticator; readonly login: CacheLogin; readonly instances: ReadonlyMap<string, Instance> }> {
    const authorization = access?.authorization ?? authorizationSchema.parse({});
    const authenticator = options.authenticator ?? (await createAuthenticator(access?.authentication ?? authenticationSchema.parse({}), { ...options, composeAuth: 'basic' }));
    const names = before.size === 0 ? Object.keys(file.instances) : [...before.keys()];
    const instances = names.flatMap((name) => {
      const instance = file.instances[name] ?? before.get(name)?.access;
      return instance === undefined ? [] : [[name, openInstance(instance, authorization, { before: before.get(name), now })] as const];
    });
    return { authorization, authenticator, login: createCacheLogin(file, { ...options, authenticator, now, limit }), instances: new Map(instances) };
  }

  async function close({ login, authenticator }: typeof current): Promise<void> {
    await login.close();
    if (options.authenticator === undefined) await authenticator.close();
  }

  function instanceNamed(name: string): Instance {
    const instance = current.instances.get(name === '' ? mainInstance : name);
    if (instance === undefined) throw new MillraceError('invalid-request', `there is no instance ${JSON.stringify(name.slice(0, 200))} of the artifact cache`);
    return instance;
  }

  function knownCaller(caller: CacheCaller): KnownCaller {
    const found = known.get(caller);
    if (found === undefined) throw new Error('the caller was not identified by this access');
    return found;
  }

  function decideFor(caller: CacheCaller, { action, instance, key }: Demand): void {
    if (!decide(instanceNamed(instance).rules, knownCaller(caller).identity, action, key)) throw refusal(caller, action, instance, key);
  }

  return {
    challenges: [...new Set([...challenges, ...current.authenticator.challenges])],
    async identify(credentials) {
      const identity = await current.login.identify(credentials);
      const caller: CacheCaller = { name: identity.name, session: identity.session?.id, groups: identity.principal?.groups ?? [] };
      known.set(caller, { identity, demands: new Map() });
      return caller;
    },
    async recheck(caller, credentials) {
      const { identity, demands } = knownCaller(caller);
      // A ticket is good for one login: it was of this call.
      const renewed = identity.principal?.by === 'kerberos' ? identity : await current.login.identify(credentials);
      if (renewed.name !== caller.name) throw refusedLogin('the credentials are of somebody else now');
      known.set(caller, { identity: renewed, demands });
      for (const demand of demands.values()) decideFor(caller, demand);
    },
    hasRole(caller, role, instance) {
      const { identity } = knownCaller(caller);
      const { principal } = identity;
      return (principal !== undefined && grantOf(current.authorization, principal, 'cache', role) !== undefined) || current.instances.get(instance === '' ? mainInstance : instance)?.rules.isAdmin(identity) === true;
    },
    demand(caller, action, instance, key) {
      const { identity, demands } = knownCaller(caller);
      const { rates } = instanceNamed(instance);
      if (!isUnlimited(identity)) rates.request(identity.counted);
      const demanded = { action, instance, key };
      decideFor(caller, demanded);
      if (action === 'push' && !isUnlimited(identity)) rates.push(identity.counted);
      demands.set(JSON.stringify([action, instance, key?.kind, key?.key]), demanded);
    },
    async count(caller, instance, bytes, waiting) {
      const { identity } = knownCaller(caller);
      if (!isUnlimited(identity)) await instanceNamed(instance).rates.bytes(identity.counted, bytes, waiting);
    },
    origin: (caller, said) => (caller.session === undefined ? said : { ...said, session: caller.session }),
    took(caller, name, how) {
      if (caller.session !== undefined) takings.note(caller.session, name, how);
    },
    async replace(file, access) {
      const before = current;
      current = await open(file, access, before.instances);
      await close(before);
    },
    async close() {
      await takings.close();
      await close(current);
    },
  };
}

/** Rates that stay as they are go on counting. */
function openInstance(access: InstanceAccess, authorization: AuthorizationSettings, { before, now }: { readonly before: Instance | undefined; readonly now: () => number }): Instance {
  const same = before !== undefined && isDeepStrictEqual(before.access.rates, access.rates);
  return { access, rules: compileRules(access, authorization), rates: same ? before.rates : createRates(access.rates, { now }) };
}

/** The control credentials. */
function isUnlimited({ principal }: CacheIdentity): boolean {
  return principal?.by === 'control';
}

function decide(rules: CacheRules, identity: CacheIdentity, action: Action, key: EntryKey | undefined): boolean {
  if (action === 'admin') return rules.isAdmin(identity);
  return action === 'pull' ? rules.mayPull(identity) : rules.mayPush(identity, key);
}

function refusal({ name }: CacheCaller, action: Action, instance: string, key: EntryKey | undefined): MillraceError {
  const where = `the instance ${instance === '' ? mainInstance : instance} of the artifact cache`;
  const deed = { pull: `read from ${where}`, push: `push to ${where}`, admin: `administer ${where}` }[action];
  if (name === 'anonymous') return new MillraceError('unauthorized', `only known callers may ${deed}`, { suggestion: 'Send credentials: a token, those of a session, or a client certificate; docs/reference/artifact-cache-access.md.' });
  const what = key === undefined ? '' : ` an entry of kind ${key.kind} with the key ${JSON.stringify(key.key.slice(0, 200))}`;
  return new MillraceError('forbidden', `${name} may not ${deed}${what}`, { suggestion: `An operator allows it under access.${action === 'pull' ? 'pull' : action} of that instance, in the file of MILLRACE_CACHE.` });
}
