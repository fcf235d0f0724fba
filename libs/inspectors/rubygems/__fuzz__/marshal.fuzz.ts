import { gunzipSync, inflateSync } from 'node:zlib';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { rubyFile } from '../__fixtures__/sample-gem.js';
import { gemSpecInspector } from '../gem-spec-inspector.js';

export const target: FuzzTarget = {
  ...inspectorTarget(gemSpecInspector, {
    request: createRequest('https://registry.example/api/v1/dependencies', { 'user-agent': 'Ruby, RubyGems/3.3.15' }),
    seeds: () => [rubyFile('dependencies.marshal'), inflateSync(rubyFile('millrace-sample-1.0.0.gemspec.rz')), gunzipSync(rubyFile('specs.4.8.gz'))],
  }),
  name: 'gem.marshal',
};
