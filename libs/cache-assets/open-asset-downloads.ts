import { readFile } from 'node:fs/promises';
import { openBlobStore } from '../blobs/open-blob-store.js';
import type { ArtifactCache } from '../cache-engine/artifact-cache.js';
import type { CacheAccess } from '../cache-access/cache-access.js';
import type { Database } from '../database/open-database.js';
import { MillraceError } from '../errors/millrace-error.js';
import { ensureAuthorityFiles } from '../proxy/tls/authority-files.js';
import { createSessionCommands } from '../session-record/create-session-commands.js';
import { readServicePolicy } from '../session-record/read-service-policy.js';
import { createWorkflowOutbox } from '../session-record/workflow-outbox.js';
import type { Settings } from '../settings/settings.js';
import type { AssetDownloads } from './asset-downloads.js';
import { createAssetDownloads } from './create-asset-downloads.js';
import { createFetchSessions } from './fetch-sessions.js';

export interface DownloadParts {
  readonly settings: Pick<Settings, 'home' | 'host' | 'proxyPort' | 'caCertificate' | 'permissive' | 'policyFile' | 'blobs'>;
  readonly database: Database;
  readonly cache: ArtifactCache;
  readonly access: CacheAccess;
  /** Folder for bodies under way; there once this resolves. */
  readonly spool: () => Promise<string>;
  readonly version: string;
  readonly warn: (message: string, error: unknown) => void;
}

export interface OpenAssetDownloads extends AssetDownloads {
  close(): Promise<void>;
}

/** Undefined when no instance downloads anything. Sessions are opened on the record itself, so that neither the gateway nor its credentials are needed. Errors: `invalid-setting`. */
export async function openAssetDownloads(parts: DownloadParts): Promise<OpenAssetDownloads | undefined> {
  const { settings, database, cache } = parts;
  const fetching = cache.instances.filter(({ fetch }) => fetch !== undefined);
  if (fetching.length === 0) return undefined;
  const permissive = fetching.find(({ fetch }) => fetch?.policy === 'permissive');
  if (permissive !== undefined && !settings.permissive) throw new MillraceError('invalid-setting', `the cache instance ${permissive.name} downloads by permissive sessions, which this service does not allow`, { suggestion: 'Write policy: strict, or start the service with MILLRACE_PERMISSIVE=1.' });
  // Most caches download nothing, and need not hold every inspector in memory.
  const { inspectedEcosystems } = await import('../inspectors/index.js');
  const ecosystems = inspectedEcosystems();
  const servicePolicy = await readServicePolicy(settings.policyFile, ecosystems);
  const blobs = await openBlobStore(settings);
  const commands = createSessionCommands(database, { blobs, ecosystems, ...(servicePolicy === undefined ? {} : { servicePolicy }) });
  const downloads = createAssetDownloads({
    ...parts,
    sessions: createFetchSessions({ commands, outbox: createWorkflowOutbox(database) }),
    // An operator may replace the certificate.
    proxy: async () => ({ url: proxyAddress(settings), authority: await readFile(authorityFile(settings), 'utf8') }),
  });
  return {
    ...downloads,
    async close() {
      await downloads.close();
      blobs.close();
    },
  };
}

function authorityFile({ caCertificate, home }: DownloadParts['settings']): string {
  return caCertificate ?? ensureAuthorityFiles(home, Date.now()).certificateFile;
}

/** The proxy listens on this machine, or on every address of it. */
function proxyAddress({ host, proxyPort }: DownloadParts['settings']): string {
  const near = host === 'localhost' || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${near.includes(':') ? `[${near}]` : near}:${proxyPort}`;
}
