import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { condaFile } from '../__fixtures__/sample-conda.js';
import { condaPackageInspector } from '../conda-package-inspector.js';

export const target: FuzzTarget = {
  ...inspectorTarget(condaPackageInspector, {
    request: createRequest('https://registry.example/noarch/millrace-sample-1.0.0-0.tar.bz2'),
    seeds: () => [condaFile('millrace-old-1.0.0-0.tar.bz2')],
  }),
  name: 'conda.old-package',
};
