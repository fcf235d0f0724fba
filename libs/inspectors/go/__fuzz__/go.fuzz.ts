import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { buildZip } from '../../__fixtures__/build-zip.js';
import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { createConsultingContext, sampleLimit } from '../../declarations/__fixtures__/consulting-context.js';
import { createChecksumDatabase, type RecordedModule } from '../__fixtures__/checksum-database.js';
import { goModInspector } from '../go-mod-inspector.js';
import { goSumdbInspector } from '../go-sumdb-inspector.js';
import { goVersionInspector } from '../go-version-inspector.js';
import { goZipInspector } from '../go-zip-inspector.js';
import { hideYoungLines } from '../visible-list.js';

const sample: RecordedModule = { module: 'mods.test/x', version: 'v1.0.0', files: { 'go.mod': 'module mods.test/x\n' } };
const below = 'https://proxy.example/mods.test/x/@v';
const zip = (): Buffer => buildZip([{ name: 'mods.test/x@v1.0.0/go.mod', content: 'module mods.test/x\n' }]);
const lookup = (): Buffer => createChecksumDatabase('sums.example', [sample]).answer('/lookup/mods.test/x@v1.0.0') as Buffer;
const list = Buffer.from('v1.0.0\nv1.1.0 2026-01-01T00:00:00Z\nv0.1.0 2020-01-01T00:00:00Z\n');

const hiding: FuzzTarget = {
  name: 'go.visible-list',
  seeds: () => [list],
  async run(input) {
    const lines = input.toString('utf8').split('\n').slice(0, 100);
    await hideYoungLines(lines, { limit: sampleLimit, module: 'mods.test/x', proxy: 'https://proxy.example', context: createConsultingContext().context });
  },
};

export const targets: readonly FuzzTarget[] = [
  inspectorTarget(goVersionInspector, { request: createRequest(`${below}/list`), seeds: () => [list] }),
  inspectorTarget(goModInspector, { request: createRequest(`${below}/v1.0.0.mod`), seeds: () => [Buffer.from('module mods.test/x\n')] }),
  inspectorTarget(goZipInspector, { request: createRequest(`${below}/v1.0.0.zip`), seeds: () => [zip()] }),
  inspectorTarget(goSumdbInspector, { request: createRequest('https://proxy.example/sumdb/sums.example/lookup/mods.test/x@v1.0.0'), seeds: () => [lookup()] }),
  hiding,
];
