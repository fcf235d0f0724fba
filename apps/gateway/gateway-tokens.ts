/** Injection tokens; every constructor names its own with `@Inject`, so nothing depends on emitted type metadata. */
export const SETTINGS = Symbol('Settings');
export const READS = Symbol('SessionReads');
export const WORKFLOWS = Symbol('SessionWorkflows');
export const AUTHORITY = Symbol('AuthorityCertificate');
export const LOGGER = Symbol('Logger');
export const LIFECYCLE = Symbol('SessionLifecycle');
export const METRICS = Symbol('GatewayMetrics');
export const BUILD_ENVIRONMENT = Symbol('BuildEnvironment');
/** Who callers are, and what they may do: `Access`. */
export const ACCESS = Symbol('Access');
export const BUSES = Symbol('BusDependencies');
export const COMPOSES = Symbol('ComposeDependencies');
export const RULES = Symbol('RuleDependencies');
export const REPOSITORIES = Symbol('RepositoryDependencies');
export const CACHES = Symbol('CacheDependencies');
/** How long a client may take to send a request. */
export const CLIENT_MILLISECONDS = Symbol('ClientMilliseconds');
