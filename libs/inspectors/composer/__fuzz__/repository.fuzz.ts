import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { metadataOf } from '../__fixtures__/sample-dist.js';
import { composerRepositoryInspector } from '../composer-repository-inspector.js';

export const target = inspectorTarget(composerRepositoryInspector, {
  request: createRequest('https://registry.example/p2/millrace/sample.json', { 'user-agent': 'Composer/2.5.5' }),
  seeds: () => [metadataOf({ type: 'zip', url: 'https://registry.example/dist/1234', shasum: 'ab'.repeat(20) })],
});
