import { sample } from '../../../haiku/__fixtures__/samples.js';
import { bufferSource } from '../../../haiku/byte-source.js';
import { madeInfo, makeHaikuPackage } from '../../../testing/haiku/make-haiku-package.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { haikuRepository } from '../__fixtures__/haiku-job.js';
import { haikuFormat } from '../haiku-format.js';
import { describedBy, writeMetadata } from '../package-metadata.js';
import { readHaikuRepository } from '../read-haiku-repository.js';
import { parseRequirement } from '../relations.js';

const sha256 = 'ab'.repeat(32);
const licences = { 'Vendor Firmware': 'All rights reserved.' };

/** What publishers and existing repositories hand in. */
export const targets: readonly FuzzTarget[] = [
  {
    name: 'haiku.inspect',
    seeds: () => [makeHaikuPackage({ name: 'foo', version: '1.0~rc1-1', requires: ['haiku >= r1~beta5'], licences, compression: 'none' }), makeHaikuPackage({ name: 'bar', version: '2', licences, compression: 'zlib' })],
    run: async (input) => void (await haikuFormat.inspect(bufferSource(input), { sha256, settings: haikuRepository().settings })),
  },
  {
    name: 'haiku.existing-repository',
    seeds: () => [sample('repo')],
    async run(input) {
      const place = { name: 'fuzz', document: (path: string) => Promise.resolve(path === 'repo' ? input : undefined), open: () => [] as unknown as AsyncIterable<Buffer> };
      await readHaikuRepository(place, { keys: [], workDirectory: '', signal: new AbortController().signal });
    },
  },
  { name: 'haiku.metadata', seeds: () => [writeMetadata({ info: madeInfo({ name: 'foo', version: '1' }), checksum: sha256 }, [{ name: 'a', text: 'b' }])], run: async (input) => void describedBy(input) },
  { name: 'haiku.requirement', seeds: () => [Buffer.from('cmd:gcc >= 13.2~rc1-4')], run: async (input) => void parseRequirement(input.toString('utf8')) },
];
