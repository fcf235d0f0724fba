import { z } from 'zod';
import { mainInstance, type CacheInstance } from '../cache/cache-instance.js';
import { instanceAccessSchema, type InstanceAccess } from '../cache-access/cache-access-schema.js';
import { cacheLoginSchema, type CacheLoginSettings } from '../cache-access/cache-login-schema.js';
import { readSettingsFile } from '../settings-file/read-settings-file.js';
import type { Settings } from '../settings/settings.js';
import { byteSize, duration } from './quantities.js';

/** What `MILLRACE_CACHE` says; docs/reference/artifact-cache.md lists its keys. */
export interface CacheSettings {
  readonly instances: readonly CacheInstance[];
  /** Who may do what, by the name of the instance. */
  readonly access: ReadonlyMap<string, InstanceAccess>;
  /** Instances that are OSTree repositories, too, by their name. */
  readonly ostree: ReadonlyMap<string, OstreeSettings>;
  /** Ways to be known to the cache alone. */
  readonly login: CacheLoginSettings;
}

export interface OstreeSettings {
  /** Where clients that push over ssh are told to pull from; undefined: they are told nothing. */
  readonly url: string | undefined;
}

const gibibyte = 1024 ** 3;
const defaults = { high: 20 * gibibyte, lease: 3600, blobBytes: 10 * gibibyte, verified: gibibyte };
/** Of `quota.high`, where the file does not say it. */
const lowShare = 0.8;
const limitShare = 1.1;

/** Parts of resource names of the Remote Execution API, which no part of an instance's name may be, and folders of the store itself. */
const reserved = ['blobs', 'uploads', 'actions', 'actionResults', 'operations', 'capabilities', 'compressed-blobs'];
const instanceName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/, 'must be parts of letters, digits, ".", "_" and "-" divided by "/", each beginning with a letter or digit')
  .refine((name) => !name.split('/').some((part) => reserved.includes(part)), `must have no part that is one of ${reserved.join(', ')}`);

const quotaSchema = z.union([byteSize.transform((high) => ({ high, low: undefined })), z.strictObject({ high: byteSize, low: byteSize.optional() })], {
  error: 'must be a number of bytes such as 20 GiB, or high: and low: with one each',
});

/** Downloads of URLs that nobody pushed. */
const fetchSchema = z.union([z.boolean().transform((on) => (on ? { policy: 'strict' as const, retain: true } : undefined)), z.strictObject({ policy: z.enum(['strict', 'permissive']).default('strict'), retain: z.boolean().default(true) })], {
  error: 'must be true or false, or policy: strict or permissive, and retain: true or false',
});

/** Whether it is an OSTree repository, too. */
const ostreeSchema = z.union([z.boolean().transform((on): OstreeSettings | undefined => (on ? { url: undefined } : undefined)), z.strictObject({ url: z.url({ protocol: /^https?$/ }).max(1000) })], {
  error: 'must be true or false, or url: with the address, beginning with http:// or https://, that clients pull from',
});

const instanceSchema = z
  .strictObject({
    quota: quotaSchema.default({ high: defaults.high, low: undefined }),
    limit: byteSize.optional(),
    lease: duration.default(defaults.lease).refine((seconds) => seconds >= 10 && seconds <= 30 * 86_400, 'must be 10 seconds to 30 days'),
    'maximum-age': duration.optional(),
    'blob-bytes': byteSize.default(defaults.blobBytes),
    /** In an hour. */
    verification: z.union([z.literal('off').transform(() => 0), byteSize], { error: 'must be off, or the bytes that are read in an hour, such as 1 GiB' }).default(defaults.verified),
    eviction: z.enum(['automatic', 'paused']).default('automatic'),
    fetch: fetchSchema.optional(),
    storage: z.enum(['here', 'elsewhere']).default('here'),
    access: instanceAccessSchema.prefault({}),
    ostree: ostreeSchema.optional(),
  })
  .refine(({ quota: { high, low } }) => low === undefined || low < high, { path: ['quota', 'low'], message: 'must be less than high' })
  .refine(({ quota, limit }) => limit === undefined || limit >= quota.high, { path: ['limit'], message: 'must not be less than the quota: pushes would be refused before anything is evicted' })
  .refine(({ fetch, storage }) => fetch === undefined || storage === 'here', { path: ['fetch'], message: 'needs storage: here, where downloads are kept' })
  .refine(({ ostree, storage }) => ostree === undefined || storage === 'here', { path: ['ostree'], message: 'needs storage: here, where the artifacts are' })
  .refine(({ lease, 'maximum-age': age }) => age === undefined || age >= lease, { path: ['maximum-age'], message: 'must not be less than the lease' });

export const cacheFileSchema = z.strictObject({
  instances: z
    .record(z.string(), instanceSchema)
    .superRefine((instances, context) => {
      for (const name of Object.keys(instances)) {
        const { error } = instanceName.safeParse(name);
        if (error !== undefined) context.addIssue({ code: 'custom', path: [name], message: `is no name of an instance: ${error.issues[0]?.message ?? ''}` });
      }
    })
    .refine((instances) => Object.keys(instances).length > 0, 'needs at least one instance'),
  login: cacheLoginSchema.prefault({}),
});

/** Errors: `invalid-setting` with every mistake and its place in the file. */
export async function readCacheSettings({ cacheFile }: Pick<Settings, 'cacheFile'>): Promise<CacheSettings> {
  const file = cacheFile === undefined ? cacheFileSchema.parse({ instances: { [mainInstance]: {} } }) : await readSettingsFile(cacheFile, { schema: cacheFileSchema, variable: 'MILLRACE_CACHE', page: 'docs/reference/artifact-cache.md' });
  const entries = Object.entries(file.instances);
  return {
    instances: entries.map(([name, instance]) => instanceOf(name, instance)),
    access: new Map(entries.map(([name, { access }]) => [name, access])),
    ostree: new Map(entries.flatMap(([name, { ostree }]) => (ostree === undefined ? [] : [[name, ostree] as const]))),
    login: file.login,
  };
}

function instanceOf(name: string, { quota, limit, lease, 'maximum-age': maximumAge, 'blob-bytes': blobBytes, verification, eviction, fetch, storage }: z.infer<typeof instanceSchema>): CacheInstance {
  return {
    name,
    quota: { high: quota.high, low: quota.low ?? Math.floor(quota.high * lowShare) },
    limit: limit ?? Math.floor(quota.high * limitShare),
    lease,
    maximumAge,
    blobBytes,
    evictionPaused: eviction === 'paused',
    verifiedHourly: verification,
    ...(fetch === undefined ? {} : { fetch }),
    ...(storage === 'here' ? {} : { storageElsewhere: true }),
  };
}
