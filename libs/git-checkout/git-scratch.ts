import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeScratchDirectory } from './scratch-directory.js';

/** A bare repository that lasts as long as one call, and an environment in which git knows nothing else of this machine. */
export interface GitScratch extends AsyncDisposable {
  readonly repository: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** No hooks, helpers, filters or upkeep: a repository's own files cannot configure any, and here is nobody else who does. */
const settings = `[core]
\thooksPath = /dev/null
\tfsmonitor = false
\tautocrlf = false
\tsymlinks = true
\tprotectHFS = true
\tprotectNTFS = true
\tattributesFile = /dev/null
\taskPass = /bin/false
[credential]
\thelper =
[http]
\tfollowRedirects = false
\tpostBuffer = 1048576
[fetch]
\trecurseSubmodules = false
[submodule]
\trecurse = false
[transfer]
\tfsckObjects = false
[uploadpack]
\tallowAnySHA1InWant = true
[pack]
\tthreads = 1
[gc]
\tauto = 0
[maintenance]
\tauto = false
[advice]
\tdetachedHead = false
`;

/** `trusted`: an absolute path whose repository may belong to somebody else. `protocol`: the only one that git may speak. */
export async function openGitScratch({ searchPath, protocol, trusted }: { readonly searchPath: string; readonly protocol: 'http' | 'file'; readonly trusted?: string | undefined }): Promise<GitScratch> {
  const directory = await makeScratchDirectory('millrace-git-');
  const configuration = path.join(directory, 'config');
  const safe = trusted === undefined ? '' : `[safe]\n\tdirectory = ${JSON.stringify(trusted)}\n\tdirectory = ${JSON.stringify(path.join(trusted, '.git'))}\n`;
  await mkdir(path.join(directory, 'home'));
  await writeFile(configuration, `${settings}${safe}`, { flag: 'wx', mode: 0o600 });
  return {
    repository: path.join(directory, 'repository'),
    environment: {
      PATH: searchPath,
      HOME: path.join(directory, 'home'),
      LC_ALL: 'C',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: configuration,
      GIT_ATTR_NOSYSTEM: '1',
      GIT_ALLOW_PROTOCOL: protocol,
      GIT_PROTOCOL_FROM_USER: '0',
      GIT_TERMINAL_PROMPT: '0',
      GIT_ASKPASS: '/bin/false',
      GIT_NO_REPLACE_OBJECTS: '1',
      GIT_LITERAL_PATHSPECS: '1',
      GIT_OPTIONAL_LOCKS: '0',
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true, maxRetries: 3 }),
  };
}
