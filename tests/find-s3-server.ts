import { findTool, type FindToolOptions } from '../temporal/find-tool.js';
import { goInstall } from '../temporal/tool-sources.js';

const version = 'v1.8.0';

/** Path of `versitygw`, which serves a directory as S3. Rejects with `tool-not-found`. */
export function findS3Server(options: FindToolOptions): Promise<string> {
  return findTool(
    { title: 'S3 server', setting: 'MILLRACE_S3_SERVER', command: 'versitygw', cacheFile: `versitygw-${version}`, sources: [goInstall(`github.com/versity/versitygw/cmd/versitygw@${version}`)] },
    options,
  );
}
