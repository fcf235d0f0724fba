import { gunzipSync } from 'node:zlib';
import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { hexFile } from '../__fixtures__/sample-hex.js';
import { hexRegistryInspector } from '../hex-registry-inspector.js';

export const target = inspectorTarget(hexRegistryInspector, {
  request: createRequest('https://registry.example/packages/millrace_sample', { 'user-agent': 'hex_core/0.7.1' }),
  seeds: () => [hexFile('package'), gunzipSync(hexFile('package'))],
});
