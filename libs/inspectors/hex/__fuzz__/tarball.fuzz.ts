import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { buildTarball, hexFile } from '../__fixtures__/sample-hex.js';
import { hexTarballInspector } from '../hex-tarball-inspector.js';

export const target = inspectorTarget(hexTarballInspector, {
  request: createRequest('https://registry.example/tarballs/millrace_sample-1.0.0.tar', { 'user-agent': 'hex_core/0.7.1' }),
  seeds: () => [hexFile('millrace_sample-1.0.0.tar'), buildTarball()],
});
