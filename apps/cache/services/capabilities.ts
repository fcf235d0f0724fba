import type { CacheInstance } from '../../../libs/cache/cache-instance.js';
import { digestFunctions } from '../../../libs/cache/cache-digest.js';
import { isMillraceError } from '../../../libs/errors/millrace-error.js';
import type { CacheCapabilities } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { CapabilitiesService, Compressor_Value as Compressor, SymlinkAbsolutePathStrategy_Value as SymlinkStrategy } from '../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { SemVer } from '../../../libs/remote-apis/generated/build/bazel/semver/semver.js';
import type { CacheContext } from '../cache-context.js';
import type { CacheCall } from '../server/cache-call.js';
import type { CacheService } from '../server/cache-service.js';
import { cacheService } from '../server/cache-service.js';
import { wireFunctionOf } from './wire-digest.js';

/** Clients fill batches up to what they are told, and their messages have a limit of 4 MiB with the digests and statuses. */
const batchOverhead = 256 * 1024;

/** What is served, and nothing else. */
export function capabilities(context: CacheContext): CacheService {
  return cacheService(CapabilitiesService, {
    getCapabilities: async ({ instanceName }, call) => {
      const instance = context.cache.instance(instanceName);
      context.access.demand(call.caller, 'pull', instance.name);
      return Promise.resolve({
        cacheCapabilities: cacheCapabilities(context, { instance, updateEnabled: mayPush(context, instance.name, call) }),
        executionCapabilities: undefined,
        deprecatedApiVersion: undefined,
        lowApiVersion: version(2, 0),
        highApiVersion: version(2, 3),
      });
    },
  });
}

function cacheCapabilities({ limits }: CacheContext, { instance, updateEnabled }: { readonly instance: CacheInstance; readonly updateEnabled: boolean }): CacheCapabilities {
  return {
    digestFunctions: digestFunctions.map(wireFunctionOf),
    actionCacheUpdateCapabilities: { updateEnabled },
    cachePriorityCapabilities: undefined,
    maxBatchTotalSizeBytes: limits.batchBytes - batchOverhead,
    symlinkAbsolutePathStrategy: SymlinkStrategy.ALLOWED,
    supportedCompressors: [Compressor.ZSTD],
    supportedBatchUpdateCompressors: [Compressor.ZSTD],
    maxCasBlobSizeBytes: instance.blobBytes,
    splitBlobSupport: false,
    spliceBlobSupport: false,
  };
}

function mayPush({ access }: CacheContext, instance: string, { caller }: CacheCall): boolean {
  try {
    access.demand(caller, 'push', instance);
    return true;
  } catch (error) {
    if (isMillraceError(error)) return false;
    throw error;
  }
}

function version(major: number, minor: number): SemVer {
  return { major, minor, patch: 0, prerelease: '' };
}
