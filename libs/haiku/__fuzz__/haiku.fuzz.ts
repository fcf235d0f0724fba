import type { FuzzTarget } from '../../testing/fuzz-target.js';
import { sample } from '../__fixtures__/samples.js';
import { bufferSource } from '../byte-source.js';
import { readAttributes } from '../container/read-attributes.js';
import { readPackage } from '../package/read-package.js';
import { parseVersion } from '../package/version.js';
import { readRepositoryFile } from '../repository/repository-file.js';
import { parseRepositoryInfo } from '../repository/repository-info-text.js';
import { unflattenMessage } from '../repository/flattened-message.js';
import { repositoryInfoBytes } from '../repository/repository-info.js';

/** Files of Haiku's package kit, as strangers and broken disks make them. */
export const targets: readonly FuzzTarget[] = [
  { name: 'haiku.package', seeds: () => [sample('foo-1.2.3-1-x86_64.hpkg')], run: async (input) => void (await readPackage(bufferSource(input))) },
  { name: 'haiku.repository', seeds: () => [sample('repo')], run: async (input) => void (await readRepositoryFile(bufferSource(input))) },
  { name: 'haiku.repo-info', seeds: () => [sample('repo.info')], run: async (input) => void parseRepositoryInfo(input.toString('utf8')) },
  { name: 'haiku.message', seeds: () => [repositoryInfoBytes(parseRepositoryInfo(sample('repo.info').toString('utf8')))], run: async (input) => void unflattenMessage(input) },
  { name: 'haiku.version', seeds: () => [Buffer.from('1.2.3~rc1-4')], run: async (input) => void parseVersion(input.toString('utf8')) },
  {
    name: 'haiku.attributes',
    seeds: () => [Buffer.from('00960703666f6f00', 'hex'), Buffer.from('666f6f00006101040b00', 'hex')],
    run: async (input) => void readAttributes(input, { stringsLength: 1 + (input[0] ?? 0), stringsCount: input[1] ?? 0 }),
  },
];
