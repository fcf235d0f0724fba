import path from 'node:path';
import type { FindToolOptions } from './find-tool.js';
import { findTool } from './find-tool.js';
import { mavenProgram, officialDownload } from './tool-sources.js';

const version = '1.31.0';

/** Path of the time-skipping test server, for `TestWorkflowEnvironment.createTimeSkipping`. Rejects with `tool-not-found`. */
export function findTemporalTestServer(options: FindToolOptions): Promise<string> {
  return findTool(
    {
      title: 'Temporal test server',
      setting: 'MILLRACE_TEMPORAL_TEST_SERVER',
      command: 'temporal-test-server',
      cacheFile: path.join(`temporal-test-server-${version}`, 'temporal-test-server'),
      sources: [officialDownload('createTimeSkipping'), mavenProgram({ group: 'io.temporal', artifact: 'temporal-test-server', version, mainClass: 'io.temporal.testserver.TestServer' })],
    },
    options,
  );
}
