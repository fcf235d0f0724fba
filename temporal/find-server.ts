import type { FindToolOptions } from './find-tool.js';
import { findTool } from './find-tool.js';
import { goInstall, officialDownload } from './tool-sources.js';

/** The last version that `go install` takes: 1.6 and later have a `replace` in go.mod. */
const version = 'v1.5.1';

/** Path of the `temporal` command, whose `server start-dev` is the embedded workflow engine. Rejects with `tool-not-found`. */
export function findTemporalServer(options: FindToolOptions): Promise<string> {
  return findTool(
    {
      title: 'Temporal server',
      setting: 'MILLRACE_TEMPORAL_SERVER',
      command: 'temporal',
      cacheFile: `temporal-${version}`,
      sources: [officialDownload('createLocal'), goInstall(`github.com/temporalio/cli/cmd/temporal@${version}`)],
    },
    options,
  );
}
