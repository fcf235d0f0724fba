import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { buildConda, condaFile } from '../__fixtures__/sample-conda.js';
import { condaPackageInspector } from '../conda-package-inspector.js';

export const target = inspectorTarget(condaPackageInspector, {
  request: createRequest('https://registry.example/noarch/millrace-sample-1.0.0-0.conda'),
  seeds: () => [condaFile('millrace-sample-1.0.0-0.conda'), buildConda()],
});
