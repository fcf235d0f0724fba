import { buildTgz } from '../../__fixtures__/build-tar.js';
import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { buildDist, sampleManifest } from '../__fixtures__/sample-dist.js';
import { composerDistInspector } from '../composer-dist-inspector.js';

export const target = inspectorTarget(composerDistInspector, {
  request: createRequest('https://registry.example/dist/1234', { 'user-agent': 'Composer/2.5.5' }),
  seeds: () => [buildDist(), buildDist('x', { commit: 'ab'.repeat(20) }), buildTgz([{ name: 'x/composer.json', content: JSON.stringify(sampleManifest) }])],
});
