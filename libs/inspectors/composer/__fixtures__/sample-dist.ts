import { createHash } from 'node:crypto';
import { buildZip, type ZipFileToBuild } from '../../__fixtures__/build-zip.js';

export const sampleManifest = {
  name: 'Millrace/Sample',
  description: 'A sample.',
  license: ['MIT', 'Apache-2.0'],
  authors: [{ name: 'Ada Lovelace', email: 'ada@example.test' }, { name: 'Charles' }],
  homepage: 'https://example.test/sample',
  autoload: { files: ['src/sample.php'] },
};

/** A zip as forges make it: one directory, and the commit as its comment. */
export function buildDist(code = '<?php // one\n', options: { commit?: string; manifest?: unknown; files?: readonly ZipFileToBuild[] } = {}): Buffer {
  const { commit = '', manifest = sampleManifest, files = [] } = options;
  const zip = buildZip([
    ...(manifest === null ? [] : [{ name: 'millrace-sample-1234/composer.json', content: JSON.stringify(manifest) }]),
    { name: 'millrace-sample-1234/src/sample.php', content: code },
    ...files,
  ]);
  zip.writeUInt16LE(commit.length, zip.length - 2);
  return Buffer.concat([zip, Buffer.from(commit)]);
}

export function sha1(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex');
}

/** Minified metadata of two versions, the older one without anything of its own but its number. */
export function metadataOf(dist: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}): Buffer {
  const newest = { name: 'millrace/sample', version: '1.1.0', time: '2024-01-02T03:04:05+00:00', dist: { type: 'zip', url: 'https://dist.example/other.zip', reference: '', shasum: '' } };
  return Buffer.from(JSON.stringify({ packages: { 'millrace/sample': [newest, { version: '1.0.0', dist }, { version: '0.9.0', dist: '__unset' }] }, minified: 'composer/2.0', ...more }));
}
