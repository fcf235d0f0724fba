import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { createContext } from '../../__fixtures__/exchange.js';
import { buildPackage } from '../../../rpm/__fixtures__/build-package.js';
import { sampleMetadata, samplePackage } from '../../../rpm/__fixtures__/sample-package.js';
import { readFilelists, readOther } from '../../../rpm/metadata/filelists-and-other.js';
import { readMetalink } from '../../../rpm/metadata/metalink.js';
import { readPrimary } from '../../../rpm/metadata/primary.js';
import { readRepomd } from '../../../rpm/metadata/repomd.js';
import { readIdentity } from '../../../rpm/package/package-details.js';
import { readPackageFile } from '../../../rpm/package/package-file.js';
import { parseSignaturePacket } from '../../../rpm/package/signatures.js';
import { signatureTag, tag } from '../../../rpm/package/tags.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { isMillraceError } from '../../../errors/millrace-error.js';
import { checkPackage } from '../read-package.js';
import { verifyPackage } from '../verify-package.js';

function streamOf(input: Buffer): Readable {
  return Readable.from([input], { objectMode: false });
}

const packages: FuzzTarget = {
  name: 'rpm.package',
  seeds: () => [
    samplePackage('gzip'),
    samplePackage('zstd'),
    buildPackage({ tags: [[tag.requireName, ['a']], [tag.requireFlags, [8]], [tag.requireVersion, ['1']], [tag.baseNames, ['b']], [tag.directoryIndexes, [0]], [tag.directoryNames, ['/a/']]] }),
    buildPackage({ major: 4, signatureTags: () => [[signatureTag.openpgp, ['wsA=']]] }),
  ],
  async run(input) {
    const file = await readPackageFile(streamOf(input));
    readIdentity(file.head.header);
    await verifyPackage(file.head, undefined);
    await checkPackage(file, input.length, createContext());
  },
};

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const item of items) void item;
}

/** The input as each of the documents: all of them have to be refused or read. */
const metadata: FuzzTarget = {
  name: 'rpm.metadata',
  seeds: () => [
    sampleMetadata('repomd.xml').bytes,
    ...['primary.xml.gz', 'filelists.xml.gz', 'other.xml.gz'].map((end) => gunzipSync(sampleMetadata(end).bytes)),
    Buffer.from('<metalink><files><file name="repomd.xml"><verification><hash type="md5">0123456789abcdef0123456789abcdef</hash></verification></file></files></metalink>'),
  ],
  async run(input) {
    const outcomes = await Promise.allSettled([
      readRepomd(streamOf(input)),
      readMetalink(streamOf(input)),
      drain(readPrimary(streamOf(input))),
      drain(readFilelists(streamOf(input))),
      drain(readOther(streamOf(input))),
    ]);
    for (const outcome of outcomes) if (outcome.status === 'rejected' && !isMillraceError(outcome.reason)) throw outcome.reason;
  },
};

const signatures: FuzzTarget = {
  name: 'rpm.signature',
  seeds: () => [Buffer.from([0xc2, 17, 4, 0, 1, 8, 0, 6, 5, 2, 0x65, 0, 0, 0, 0, 0, 1, 2, 3]), Buffer.from([0x88, 19, 3, 5, 0, 0x65, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 8, 9, 9])],
  run: async (input) => void parseSignaturePacket(input),
};

export const targets = [packages, metadata, signatures];
