import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { hash } from 'node:crypto';
import { createInspectedBody } from '../../../inspection/inspected-body.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { buildTar, buildTgz } from '../../__fixtures__/build-tar.js';
import { buildZip } from '../../__fixtures__/build-zip.js';
import { createContext } from '../../__fixtures__/exchange.js';
import { archiveLimits } from '../archive-limits.js';
import { decompress, sniffCompression } from '../decompress.js';
import { readTar } from '../tar-reader.js';
import { withZipArchive } from '../zip-archive.js';

const files = [
  { name: 'a/one.txt', content: 'one' },
  { name: 'a/two.txt', content: 'two'.repeat(400) },
  { name: 'a/link', type: '2', link: 'one.txt' },
];

const tar: FuzzTarget = {
  name: 'archives.tar',
  seeds: () => [buildTar(files), buildTar([{ name: 'x', type: 'x', content: '20 path=a/long-name\n' }, ...files])],
  async run(input) {
    await readTar(Readable.from([input])[Symbol.asyncIterator]() as AsyncIterator<Buffer>, archiveLimits, () => 1024);
  },
};

const zip: FuzzTarget = {
  name: 'archives.zip',
  seeds: () => [buildZip(files.slice(0, 2)), buildZip([{ name: 'empty' }])],
  async run(input) {
    const digests = { sha1: hash('sha1', input), sha256: hash('sha256', input), size: input.length };
    const body = createInspectedBody({ bytes: input, digests, contentEncoding: '' });
    const response = { status: 200, header: () => undefined };
    await withZipArchive(body, { response, context: createContext() }, async (archive) => {
      for (const path of archive.files.keys()) await archive.read(path, 1024 * 1024);
    });
  },
};

const unpacking: FuzzTarget = {
  name: 'archives.decompress',
  seeds: () => [
    buildTgz(files),
    gzipSync('one'),
    zstdCompressSync(Buffer.from('one'.repeat(1000))),
    // `echo one | xz`, `| bzip2`
    Buffer.from('/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQADb25lCgD1XLtWH8b9hgABHARvLJzBH7bzfQEAAAAABFla', 'base64'),
    Buffer.from('QlpoOTFBWSZTWXgTwIIAAAHBAAAQAgGgACGaaDNNDLxdyRThQkHgTwII', 'base64'),
  ],
  async run(input) {
    const source = Readable.from([input], { objectMode: false });
    for await (const chunk of decompress(source, { compression: sniffCompression(input), packedSize: input.length })) void chunk;
  },
};

export const targets = [tar, zip, unpacking];
