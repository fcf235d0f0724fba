import { gzipSync } from 'node:zlib';
import { isMillraceError } from '../../../errors/millrace-error.js';
import { buildPackage, sha256 } from '../../../rpm/__fixtures__/build-package.js';
import { sampleMetadata, samplePackage } from '../../../rpm/__fixtures__/sample-package.js';
import { tag } from '../../../rpm/package/tags.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { bytesOf, settingsWith } from '../__fixtures__/index-job.js';
import { readRpmRepository } from '../read-rpm-repository.js';
import { rpmFormat } from '../rpm-format.js';

/** What is taken must be said of as well. */
const packages: FuzzTarget = {
  name: 'repository.rpm-package',
  seeds: () => [
    samplePackage('gzip'),
    samplePackage('none'),
    buildPackage({ tags: [[tag.requireName, ['(a or (b and c))', 'd']], [tag.requireFlags, [0, 8]], [tag.requireVersion, ['', '1:2-3']], [tag.baseNames, ['b']], [tag.directoryIndexes, [0]], [tag.directoryNames, ['/a/']], [tag.fileModes, new Uint16Array([0o100644])], [tag.fileFlags, [0]]] }),
  ],
  async run(input) {
    const inspected = await rpmFormat.inspect(bytesOf(input), { sha256: sha256(input), settings: settingsWith() });
    const path = rpmFormat.pathOf(inspected, '');
    if (!/^Packages\/[a-z0-9_]\/[A-Za-z0-9_][A-Za-z0-9._+~^-]*\.rpm$/.test(path)) throw new Error(`the package is placed at ${path}`);
    const { requires } = rpmFormat.relations(inspected.metadata);
    if (requires.some((alternatives) => alternatives.length === 0)) throw new Error('a need has no alternatives');
  },
};

/** The input as each file of a repository whose digests fit. */
const repositories: FuzzTarget = {
  name: 'repository.rpm-listing',
  seeds: () => [sampleMetadata('repomd.xml').bytes, sampleMetadata('primary.xml.gz').bytes, gzipSync('<metadata packages="0"/>')],
  async run(input) {
    const repomd = Buffer.from(`<repomd><data type="primary"><checksum type="sha256">${sha256(input)}</checksum><location href="p"/></data></repomd>`);
    const outcomes = await Promise.allSettled(
      [input, repomd].map((first) =>
        readRpmRepository({
          async *open(path) {
            yield path === 'repodata/repomd.xml' ? first : input;
          },
        }),
      ),
    );
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected' && !isMillraceError(outcome.reason)) throw outcome.reason;
      if (outcome.status === 'fulfilled' && outcome.value.packages.some(({ path }) => path.startsWith('/') || path.split('/').includes('..'))) throw new Error('a path leads out of the repository');
    }
  },
};

export const targets = [packages, repositories];
