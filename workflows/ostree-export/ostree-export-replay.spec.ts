import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { describeReplays } from '../__fixtures__/describe-replays.js';
import { exportScene, playing, untilStatus } from './__fixtures__/export-scene.js';
import { ostreeExportWorkflowId } from './ostree-export-messages.js';

describeReplays(path.join(import.meta.dirname, '__histories__'), [
  {
    name: 'exported-after-trouble',
    workflowId: ostreeExportWorkflowId('exported-after-trouble'),
    mutation: [/\.lookAtOstree\(/g, '.exportToOstree('],
    record(environment) {
      const scene = exportScene({ waiting: 25, failing: 'storage-unavailable' });
      return playing(
        environment,
        scene,
        async (handle) => {
          await untilStatus(environment, handle, ({ problem }) => problem !== undefined);
          scene.failing = undefined;
          await untilStatus(environment, handle, ({ usage }) => usage?.refs === 25);
          scene.waiting = 1;
          await untilStatus(environment, handle, ({ usage }) => usage?.refs === 26);
          scene.failing = 'invalid-request';
          const recorded = environment.client.workflow.getHandle(handle.workflowId);
          await recorded.result();
          return historyToJSON(await recorded.fetchHistory());
        },
        'exported-after-trouble',
      );
    },
  },
]);
