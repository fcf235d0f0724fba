import { parseBoundedJson } from '../../../inspection/bounded-json.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { sampleFile } from '../../__fixtures__/sample-file.js';
import { sampleLimit } from '../../declarations/__fixtures__/consulting-context.js';
import { npmAuditInspector } from '../npm-audit-inspector.js';
import { npmPackumentInspector } from '../npm-packument-inspector.js';
import { npmTarballInspector } from '../npm-tarball-inspector.js';
import { packSignatures, readRegistryKeys, unpackSignatures } from '../registry-signatures.js';
import { hideYoungVersions } from '../visible-packument.js';

const agent = { 'user-agent': 'npm/11.0.0' };
const dist = { tarball: 'https://registry.example/x/-/x-1.0.0.tgz', integrity: `sha512-${'A'.repeat(86)}==`, signatures: [{ keyid: `SHA256:${'a'.repeat(43)}`, sig: 'AAAAAAAA' }] };
const time = { created: '2020-01-01T00:00:00Z', '1.0.0': '2020-01-01T00:00:00Z', '2.0.0': '2026-01-01T00:00:00Z' };
const versions = { '1.0.0': { name: 'x', version: '1.0.0', dist }, '2.0.0': { name: 'x', version: '2.0.0', dist } };
const packument = Buffer.from(JSON.stringify({ name: 'x', 'dist-tags': { latest: '2.0.0' }, versions, time }));

const hiding: FuzzTarget = {
  name: 'npm.visible-packument',
  seeds: () => [packument],
  run: (input) => Promise.resolve(input).then((bytes) => void hideYoungVersions(parseBoundedJson(bytes), sampleLimit)),
};

const signatures: FuzzTarget = {
  name: 'npm.registry-signatures',
  seeds: () => [Buffer.from(JSON.stringify({ keys: [{ keyid: dist.signatures[0]?.keyid, key: 'AAAAAAAA', expires: null }] })), Buffer.from(JSON.stringify(dist.signatures))],
  run: (input) =>
    Promise.resolve(input).then((bytes) => {
      const document = parseBoundedJson(bytes);
      unpackSignatures(packSignatures(document));
      readRegistryKeys(document);
    }),
};

export const targets: readonly FuzzTarget[] = [
  inspectorTarget(npmPackumentInspector, { request: createRequest('https://registry.example/x', agent), seeds: () => [packument] }),
  inspectorTarget(npmTarballInspector, { request: createRequest('https://registry.example/x/-/x-1.0.0.tgz', agent), seeds: () => [sampleFile('millrace-sample-1.0.0.tgz')] }),
  inspectorTarget(npmAuditInspector, { request: createRequest('https://registry.example/-/npm/v1/security/advisories/bulk', agent, 'POST'), seeds: () => [Buffer.from('{"x":[]}')] }),
  hiding,
  signatures,
];
