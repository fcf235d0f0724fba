import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { buildConda, repodataOf } from '../__fixtures__/sample-conda.js';
import { condaRepodataInspector } from '../conda-repodata-inspector.js';

export const target = inspectorTarget(condaRepodataInspector, {
  request: createRequest('https://registry.example/noarch/repodata.json'),
  seeds: () => [repodataOf({ 'a-1-0.conda': buildConda(), 'a-1-0.tar.bz2': buildConda() })],
});
