import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isRecord, parseBoundedJson } from '../../../inspection/bounded-json.js';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { sampleFile } from '../../__fixtures__/sample-file.js';
import { sampleLimit } from '../../declarations/__fixtures__/consulting-context.js';
import { hideYoungReleases } from '../legacy-json.js';
import { pipLegacyJsonInspector } from '../pip-legacy-json-inspector.js';
import { pipMetadataInspector } from '../pip-metadata-inspector.js';
import { pipSdistInspector } from '../pip-sdist-inspector.js';
import { pipSimpleIndexInspector } from '../pip-simple-index-inspector.js';
import { pipWheelInspector } from '../pip-wheel-inspector.js';
import { hideYoungFiles } from '../visible-page.js';

const agent = { 'user-agent': 'pip/24.0' };
const wheelName = 'millrace_sample-1.0.0-py3-none-any.whl';
const file = { filename: wheelName, url: `https://files.example/${wheelName}`, hashes: { sha256: 'a'.repeat(64) }, 'upload-time': '2020-01-01T00:00:00Z' };
const page = Buffer.from(JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'millrace-sample', versions: ['1.0.0'], files: [file, { ...file, 'upload-time': '2026-01-01T00:00:00Z' }] }));
const html = Buffer.from(`<!DOCTYPE html><html><body><a href="https://files.example/${wheelName}#sha256=${'a'.repeat(64)}">w</a></body></html>`);
const release = [{ url: file.url, digests: file.hashes, upload_time_iso_8601: '2020-01-01T00:00:00Z' }];
const legacy = Buffer.from(JSON.stringify({ info: { name: 'millrace-sample', version: '1.0.0' }, releases: { '1.0.0': release }, urls: release }));

const hiding: FuzzTarget = {
  name: 'pip.visible-page',
  seeds: () => [page, legacy],
  run: (input) =>
    Promise.resolve(input).then((bytes) => {
      const document = parseBoundedJson(bytes);
      hideYoungFiles(document, sampleLimit);
      if (isRecord(document)) hideYoungReleases(document, sampleLimit);
    }),
};

function sdist(kind: string, bytes: () => Buffer): FuzzTarget {
  const target = inspectorTarget(pipSdistInspector, { request: createRequest(`https://files.example/x-1.0.${kind}`, agent), seeds: () => [bytes()] });
  return { ...target, name: `pip.sdist.${kind}` };
}
const fixture = (name: string): Buffer => readFileSync(path.join(import.meta.dirname, '..', '__fixtures__', name));

export const targets: readonly FuzzTarget[] = [
  inspectorTarget(pipSimpleIndexInspector, { request: createRequest('https://index.example/simple/millrace-sample/', agent), seeds: () => [page, html] }),
  inspectorTarget(pipLegacyJsonInspector, { request: createRequest('https://index.example/pypi/millrace-sample/json', agent), seeds: () => [legacy] }),
  inspectorTarget(pipWheelInspector, { request: createRequest(file.url, agent), seeds: () => [sampleFile(wheelName)] }),
  inspectorTarget(pipMetadataInspector, { request: createRequest(`${file.url}.metadata`, agent), seeds: () => [Buffer.from('Metadata-Version: 2.1\nName: millrace-sample\nVersion: 1.0.0\n')] }),
  sdist('tar.gz', () => sampleFile('millrace-sample-1.0.0.tar.gz')),
  sdist('tar.bz2', () => fixture('x-1.0.tar.bz2')),
  sdist('tar.xz', () => fixture('x-1.0.tar.xz')),
  hiding,
];
