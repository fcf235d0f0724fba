import { ActionCacheService } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import type { CacheContext } from '../../cache-context.js';
import type { CacheService } from '../../server/cache-service.js';
import { cacheService } from '../../server/cache-service.js';
import { getActionResult } from './get-action-result.js';
import { updateActionResult } from './update-action-result.js';

export function actionCache(context: CacheContext): CacheService {
  return cacheService(ActionCacheService, {
    getActionResult: async (request, call) => getActionResult(context, request, call),
    updateActionResult: async (request, call) => updateActionResult(context, request, call),
  });
}
