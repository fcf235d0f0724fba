import { z } from 'zod';
import { parseSettingsFile } from '../../settings-file/read-settings-file.js';
import { accessSettingsFile, type AccessSettings } from '../../access/access-settings.js';
import type { CacheCredentials } from '../cache-access.js';
import { instanceAccessSchema } from '../cache-access-schema.js';
import { cacheLoginSchema } from '../cache-login-schema.js';
import type { CacheAccessOptions, CacheAccessSettings } from '../cache-access-options.js';
import { openCacheAccess, type OpenCacheAccess } from '../open-cache-access.js';
import type { Taking } from '../session-takings.js';

const schema = z.strictObject({ login: cacheLoginSchema.prefault({}), instances: z.record(z.string(), instanceAccessSchema).default({ main: instanceAccessSchema.parse({}) }) });

/** As the file of MILLRACE_CACHE has it. Errors: `invalid-setting`. */
export function readCacheAccess(text: string): CacheAccessSettings {
  return parseSettingsFile(text, 'cache.yaml', { schema, page: 'docs/reference/artifact-cache-access.md' });
}

export interface OpenedAccess {
  readonly access: OpenCacheAccess;
  readonly takings: Taking[];
}

/** `controlAuth` is `craft:secret`; there are no sessions unless `changes` has some. */
export async function openAccess(text: string, changes: Partial<CacheAccessOptions> & { readonly accessFile?: string } = {}): Promise<OpenedAccess> {
  const takings: Taking[] = [];
  const { accessFile, ...options } = changes;
  const access = await openCacheAccess(readCacheAccess(text), {
    controlAuth: 'craft:secret',
    upstreamProxy: undefined,
    upstreamNoProxy: [],
    upstreamCa: undefined,
    forbiddenPorts: [],
    version: '0',
    environment: {},
    certificates: true,
    access: accessFile === undefined ? undefined : readAccessFile(accessFile),
    sessions: { check: () => Promise.resolve(undefined) },
    takings: { note: (session, name, how) => void takings.push({ session, name, how }), flush: () => Promise.resolve(), close: () => Promise.resolve() },
    ...options,
  });
  return { access, takings };
}

export function readAccessFile(text: string): AccessSettings {
  return parseSettingsFile(text, 'access.yaml', accessSettingsFile);
}

export function shown(credentials: Partial<CacheCredentials>): CacheCredentials {
  return { authorization: undefined, certificate: undefined, peerAddress: '192.0.2.7', ...credentials };
}

export const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

/** Code of the error, else `allowed`. */
export function codeOf(demand: () => unknown): string {
  try {
    demand();
    return 'allowed';
  } catch (error) {
    return String((error as { readonly code?: unknown }).code);
  }
}
