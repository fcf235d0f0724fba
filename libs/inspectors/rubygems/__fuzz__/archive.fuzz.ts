import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { buildGem, rubyFile } from '../__fixtures__/sample-gem.js';
import { gemPackageInspector } from '../gem-package-inspector.js';

export const target: FuzzTarget = {
  ...inspectorTarget(gemPackageInspector, {
    request: createRequest('https://registry.example/gems/millrace-sample-1.0.0.gem', { 'user-agent': 'Ruby, RubyGems/3.3.15' }),
    seeds: () => [rubyFile('millrace-sample-1.0.0.gem'), buildGem()],
  }),
  name: 'gem.archive',
};
