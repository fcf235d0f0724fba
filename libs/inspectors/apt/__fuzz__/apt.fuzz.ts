import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createInspectedBody } from '../../../inspection/inspected-body.js';
import type { InspectedBody } from '../../../inspection/inspector.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { createContext } from '../../__fixtures__/exchange.js';
import { aptFixture, packagesOf, releaseOf, sourcesOf } from '../__fixtures__/sample-repository.js';
import { readBinaryPackage } from '../binary-package.js';
import { readCopyrightFile } from '../copyright-file.js';
import { readDiffIndex, readPackages, readSources } from '../read-index.js';
import { parseRelease } from '../../../deb/release-file.js';

const context = createContext();
const packages = packagesOf([{ path: 'pool/x_1_all.deb', bytes: aptFixture('sample-xz.deb') }]);
const sources = sourcesOf('pool', ['millrace-src_1.0-1.dsc', 'millrace-src_1.0.orig.tar.gz']);
const date = new Date('2024-01-01T00:00:00Z');

function bodyOf(bytes: Buffer): InspectedBody {
  const hash = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');
  return createInspectedBody({ bytes, digests: { sha1: hash('sha1'), sha256: hash('sha256'), size: bytes.length }, contentEncoding: '' });
}

const binaryPackage: FuzzTarget = {
  name: 'apt.deb',
  seeds: () => ['sample-xz.deb', 'sample-zstd.deb', 'sample-gzip.deb'].map(aptFixture),
  run: async (input) => void (await readBinaryPackage(bodyOf(input), context)),
};

const release: FuzzTarget = {
  name: 'apt.release',
  seeds: () => [Buffer.from(releaseOf({ 'main/binary-amd64/Packages': packages }, { date })), Buffer.from(releaseOf({ Packages: packages }, { date, validUntil: date, algorithm: 'SHA512' }))],
  run: async (input) => void (await parseRelease(input)),
};

/** The first byte chooses how the rest is read. */
const index: FuzzTarget = {
  name: 'apt.index',
  seeds: () => [`p${packages.toString()}`, `s${sources.toString()}`, `d${sources.toString()}`].map((text) => Buffer.from(text)).concat(Buffer.concat([Buffer.from('g'), gzipSync(packages)]), Buffer.concat([Buffer.from('z'), zstdCompressSync(packages)])),
  run: async (input) => {
    const [first = 0] = input;
    const source = (name: string): Parameters<typeof readPackages>[0] => ({ body: bodyOf(input.subarray(1)), context, name });
    if (first === 0x67) await readPackages(source('Packages.gz'));
    else if (first === 0x7a) await readPackages(source('Packages.zst'));
    else if (first === 0x73) await readSources(source('Sources'));
    else if (first === 0x64) await readDiffIndex(source('Packages.diff/Index'));
    else await readPackages(source('Packages'));
  },
};

const copyright: FuzzTarget = {
  name: 'apt.copyright',
  seeds: () => [Buffer.from('Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: 2024 Ada\nLicense: GPL-2+ or Expat\n text\n')],
  run: async (input) => void (await readCopyrightFile(input)),
};

export const targets = [binaryPackage, release, index, copyright];
