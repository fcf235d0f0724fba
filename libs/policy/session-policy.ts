/** Strict: what is not approved does not reach the build, whole. Permissive: it streams through and the violation is recorded. */
export type SessionPolicy = 'strict' | 'permissive';

/** `inspectors-configuration` of fetch-service: an override of the service's configuration for one session, by inspector family. */
export type InspectorsConfiguration = Readonly<Record<string, unknown>>;
