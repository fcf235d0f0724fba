import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { buildGem, infoFile } from '../__fixtures__/sample-gem.js';
import { gemIndexInspector } from '../gem-index-inspector.js';

export const target: FuzzTarget = {
  ...inspectorTarget(gemIndexInspector, {
    request: createRequest('https://registry.example/info/millrace-sample', { 'user-agent': 'Ruby, RubyGems/3.3.15' }),
    seeds: () => [Buffer.from(infoFile(buildGem()))],
  }),
  name: 'gem.info',
};
