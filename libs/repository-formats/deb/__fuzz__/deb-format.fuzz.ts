import { parseRelations } from '../../../deb/relations.js';
import { readPackageParagraph } from '../../../deb/package-paragraph.js';
import { aptFixture } from '../../../inspectors/apt/__fixtures__/sample-repository.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { buildDeb, controlText } from '../__fixtures__/build-deb.js';
import { bytesOf, repositorySettings } from '../__fixtures__/deb-repository.js';
import { debFormat } from '../deb-format.js';

const options = { sha256: '0'.repeat(64), settings: repositorySettings() };

const packageFile: FuzzTarget = {
  name: 'deb-format.package',
  seeds: () => [...['sample-xz.deb', 'sample-zstd.deb', 'sample-gzip.deb'].map(aptFixture), buildDeb({ name: 'sample' })],
  run: async (input) => void (await debFormat.inspect(bytesOf(input), options)),
};

/** What is read once has to be readable again: relations and paths are made of what is kept. */
const paragraph: FuzzTarget = {
  name: 'deb-format.paragraph',
  seeds: () => [Buffer.from(controlText({ name: 'libsample1', fields: 'Source: sample (1.0)\nDepends: libc6 (>= 2.36), a | b\nProvides: c (= 1)\n' }))],
  run(input) {
    const { name, version, architecture, text } = readPackageParagraph(input);
    debFormat.relations(text);
    debFormat.pathOf({ key: 'sample.deb', name, version, architecture, metadata: text }, 'main');
    return Promise.resolve();
  },
};

const relations: FuzzTarget = {
  name: 'deb-format.relations',
  seeds: () => [Buffer.from('libc6 (>= 2.36), default-mta | mail-transport-agent, python3:any (<< 3.13~)')],
  run(input) {
    parseRelations(input.toString('latin1'), 'Depends');
    return Promise.resolve();
  },
};

export const targets = [packageFile, paragraph, relations];
