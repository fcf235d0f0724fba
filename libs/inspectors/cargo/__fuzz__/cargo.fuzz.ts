import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { sampleLimit } from '../../declarations/__fixtures__/consulting-context.js';
import { buildCrate, indexLine } from '../__fixtures__/sample-crate.js';
import { cargoCrateInspector } from '../cargo-crate-inspector.js';
import { cargoIndexInspector } from '../cargo-index-inspector.js';
import { hideYoungLines } from '../index-file.js';

const agent = { 'user-agent': 'cargo/1.95.0' };
const lines = (): Buffer => Buffer.from(indexLine(buildCrate(), { pubtime: '2026-01-01T00:00:00Z' }) + indexLine(buildCrate(), { vers: '0.9.0', pubtime: '2020-01-01T00:00:00Z' }));

const hiding: FuzzTarget = {
  name: 'cargo.visible-lines',
  seeds: () => [lines()],
  run: (input) => Promise.resolve(input).then((bytes) => void hideYoungLines(bytes, 'millrace_sample', sampleLimit)),
};

export const targets: readonly FuzzTarget[] = [
  inspectorTarget(cargoIndexInspector, { request: createRequest('https://index.example/mi/ll/millrace_sample', agent), seeds: () => [lines()] }),
  inspectorTarget(cargoCrateInspector, { request: createRequest('https://crates.example/Millrace_sample/1.0.0+build.1/download', agent), seeds: () => [buildCrate()] }),
  hiding,
];
