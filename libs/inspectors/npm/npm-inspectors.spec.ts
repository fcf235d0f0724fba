import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { InspectionContext } from '../../inspection/inspector.js';
import { buildTar, buildTgz, paxRecord } from '../__fixtures__/build-tar.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { sampleFile } from '../__fixtures__/sample-file.js';

const npm = { 'user-agent': 'npm/11.0.0 node/v24', accept: 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*' };
const sample = sampleFile('millrace-sample-1.0.0.tgz');
const documentUrl = 'https://registry.example/base/@millrace%2fsample';
const tarballUrl = 'https://registry.example/base/@millrace/sample/-/sample-1.0.0.tgz';

function sri(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}

function packument(dist: Record<string, unknown>, version = '1.0.0'): Buffer {
  return Buffer.from(JSON.stringify({ name: '@millrace/sample', versions: { [version]: { name: '@millrace/sample', version, dist } } }));
}

async function learn(context: InspectionContext, dist: Record<string, unknown>, version?: string): Promise<void> {
  const result = await inspect(createRequest(documentUrl, npm), { bytes: packument(dist, version) }, context);
  expect(result.verdict).toBe('Approved');
}

async function opinionOn(bytes: Buffer, context = createContext(), url = tarballUrl): Promise<{ opinion: string | undefined; reason: string | undefined }> {
  const result = await inspect(createRequest(url, npm), { bytes }, context);
  return { opinion: result.inspections['npm.tarball']?.opinion, reason: result.inspections['npm.tarball']?.reason };
}

describe('npm.packument', () => {
  it('approves the document that was asked for and tells what it is', async () => {
    const result = await inspect(createRequest(documentUrl, npm), { bytes: packument({ tarball: tarballUrl, integrity: sri(sample) }) }, createContext());
    expect(result).toMatchObject({
      verdict: 'Approved',
      metadata: { type: 'application/x.npm.packument', name: '@millrace/sample', purl: 'pkg:npm/%40millrace/sample' },
    });
  });

  it.each<[string, unknown]>([
    ['another name', { name: 'other', versions: {} }],
    ['no versions', { name: '@millrace/sample' }],
    ['a version that is no object', { name: '@millrace/sample', versions: { '1.0.0': 1 } }],
    [
      'a version with another version inside',
      { name: '@millrace/sample', versions: { '1.0.0': { name: '@millrace/sample', version: '2.0.0', dist: { tarball: tarballUrl } } } },
    ],
    [
      'a tarball URL that is none',
      { name: '@millrace/sample', versions: { '1.0.0': { name: '@millrace/sample', version: '1.0.0', dist: { tarball: 'file:///etc/passwd' } } } },
    ],
    ['a list', []],
  ])('rejects a document with %s', async (_case, document) => {
    const result = await inspect(createRequest(documentUrl, npm), { bytes: Buffer.from(JSON.stringify(document)) }, createContext());
    expect(result.verdict).toBe('Rejected');
    expect(result.inspections['npm.packument']?.opinion).toBe('Rejected');
  });

  it('rejects deep nesting before building anything from it', async () => {
    const result = await inspect(createRequest(documentUrl, npm), { bytes: Buffer.from('['.repeat(1_000_000)) }, createContext());
    expect(result.inspections['npm.packument']?.reason).toContain('nested deeper');
  });

  it('has no say on other clients and other paths', async () => {
    for (const request of [
      createRequest('https://registry.example/left-pad'),
      createRequest('https://registry.example/', npm),
      createRequest('https://registry.example/left-pad', npm, 'PUT'),
    ]) {
      const result = await inspect(request, { bytes: Buffer.from('{}') }, createContext());
      expect(Object.keys(result.inspections)).toEqual(['default']);
    }
  });

  it('never throws and never approves what is not JSON of the right shape', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        async (bytes) => {
          const result = await inspect(createRequest(documentUrl, npm), { bytes: Buffer.from(bytes) }, createContext());
          expect(result.verdict).toBe('Rejected');
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('npm.tarball', () => {
  it('approves what npm pack made when its package document declares the digest', async () => {
    const context = createContext();
    await learn(context, { tarball: tarballUrl, integrity: sri(sample) });
    const result = await inspect(createRequest(tarballUrl, npm), { bytes: sample }, context);
    expect(result.verdict).toBe('Approved');
    expect(result.metadata).toEqual({
      type: 'application/x.npm.package',
      name: '@millrace/sample',
      version: '1.0.0',
      author: 'Mill Hand',
      authorEmail: 'hand@example.org',
      license: 'Apache-2.0',
      description: 'A sample for the inspectors',
      vendor: 'https://example.org/sample.git',
      purl: 'pkg:npm/%40millrace/sample@1.0.0',
    });
  });

  it('falls back to the shasum', async () => {
    const context = createContext();
    await learn(context, { tarball: tarballUrl, shasum: createHash('sha1').update(sample).digest('hex') });
    expect(await opinionOn(sample, context)).toMatchObject({ opinion: 'Approved' });
  });

  it('takes the strongest digest, so that a right weak one cannot hide a wrong strong one', async () => {
    const context = createContext();
    await learn(context, { tarball: tarballUrl, integrity: `sha1-${createHash('sha1').update(sample).digest('base64')} ${sri(Buffer.from('other'))}` });
    expect(await opinionOn(sample, context)).toEqual({ opinion: 'Rejected', reason: expect.stringContaining('sha512 digest') });
  });

  it('rejects a sound tarball in the place of another version', async () => {
    const context = createContext();
    await learn(context, { tarball: tarballUrl, integrity: sri(sample) }, '2.0.0');
    expect(await opinionOn(sample, context)).toEqual({ opinion: 'Rejected', reason: expect.stringContaining('declares it as "2.0.0"') });
  });

  it('rejects when the declared version has no digest', async () => {
    const context = createContext();
    await learn(context, { tarball: tarballUrl });
    expect(await opinionOn(sample, context)).toMatchObject({ opinion: 'Rejected' });
  });

  it('leaves a tarball open that nobody declared, or declared at another place', async () => {
    expect(await opinionOn(sample)).toEqual({ opinion: 'Unknown', reason: expect.stringContaining('no package document of this session') });
    const context = createContext();
    await learn(context, { tarball: tarballUrl, integrity: sri(sample) });
    expect(await opinionOn(sample, context, 'https://elsewhere.example/base/@millrace/sample/-/sample-1.0.0.tgz')).toMatchObject({ opinion: 'Unknown' });
  });

  it('knows a mirror whose documents name another host, as npm does', async () => {
    const context = createContext();
    await learn(context, { tarball: 'https://public.example/@millrace/sample/-/sample-1.0.0.tgz', integrity: sri(sample) });
    expect(await opinionOn(sample, context)).toMatchObject({ opinion: 'Approved' });
  });

  it('does not let a second registry replace what the first declared', async () => {
    const context = createContext();
    await learn(context, { tarball: tarballUrl, integrity: sri(sample) });
    await inspect(
      createRequest('https://evil.example/@millrace%2fsample', npm),
      { bytes: packument({ tarball: tarballUrl, integrity: sri(Buffer.from('bad')) }) },
      context,
    );
    expect(await opinionOn(sample, context)).toMatchObject({ opinion: 'Rejected' });
  });

  const manifest = { name: 'package/package.json', content: JSON.stringify({ name: 'a', version: '1.0.0' }) };
  it.each<[string, Buffer, string]>([
    ['a truncated file', sample.subarray(0, sample.length - 20), 'gzip'],
    ['no gzip', Buffer.from('nothing'), 'gzip'],
    ['an empty body', Buffer.alloc(0), 'gzip'],
    ['an empty archive', gzipSync(Buffer.alloc(1024)), 'empty'],
    ['a wrong checksum', gzipSync(Buffer.alloc(1024, 1)), 'checksum'],
    ['no package.json', buildTgz([{ name: 'package/index.js' }]), 'no package.json'],
    ['two package.json', buildTgz([manifest, { ...manifest, name: 'other/package.json' }]), 'more than one package.json'],
    ['a file twice', buildTgz([manifest, manifest]), 'twice'],
    ['a path that leaves', buildTgz([manifest, { name: 'package/../../x' }]), 'leaves'],
    ['an absolute path', buildTgz([manifest, { name: '/etc/passwd' }]), 'absolute'],
    ['a path that leaves by pax', buildTgz([{ name: 'p', type: 'x', content: paxRecord('path', '../x') }, manifest]), 'leaves'],
    ['a path for all entries', buildTgz([{ name: 'p', type: 'g', content: paxRecord('path', 'x') }, manifest]), 'all of its entries'],
    ['a link that leaves', buildTgz([manifest, { name: 'package/l', type: '2', link: '../../x' }]), 'outside'],
    ['an absolute link', buildTgz([manifest, { name: 'package/l', type: '2', link: '/etc' }]), 'absolute'],
    ['a device', buildTgz([manifest, { name: 'package/d', type: '3' }]), 'neither a file'],
    ['an absurd size', buildTgz([manifest, { name: 'package/x', size: 0o77777777777 }]), 'truncated'],
    ['an absurd package.json', buildTgz([{ name: 'package/package.json', size: 0o77777777777 }]), 'larger than'],
    ['an absurd extended header', buildTgz([{ name: 'p', type: 'x', size: 0o7777777777 }]), 'extended header'],
    ['data after the end', gzipSync(buildTar([manifest], Buffer.concat([Buffer.alloc(512), buildTar([manifest])]))), 'after its end mark'],
    ['a package.json without version', buildTgz([{ name: 'p/package.json', content: '{"name":"a"}' }]), 'no valid name'],
    ['a package.json with a list inside', buildTgz([{ name: 'p/package.json', content: '[1]' }]), 'no valid name'],
    ['a gzip bomb', gzipSync(buildTar([{ name: 'package/zeros', content: Buffer.alloc(80 * 1024 * 1024) }])), 'times its size'],
  ])('rejects %s with a reason', async (_case, bytes, reason) => {
    expect(await opinionOn(bytes)).toEqual({ opinion: 'Rejected', reason: expect.stringContaining(reason) });
  });

  it('never approves a changed tarball, whatever was changed', async () => {
    const context = createContext();
    await learn(context, { tarball: tarballUrl, integrity: sri(sample) });
    await fc.assert(
      fc.asyncProperty(fc.nat(sample.length - 1), fc.integer({ min: 1, max: 255 }), async (position, change) => {
        const bytes = Buffer.from(sample);
        bytes[position] = (bytes[position] as number) ^ change;
        const result = await inspect(createRequest(tarballUrl, npm), { bytes }, context);
        expect(result.verdict).toBe('Rejected');
        expect(result.inspections['npm.tarball']?.reason).not.toContain('inspection failed');
      }),
      { numRuns: 200 },
    );
  });

  it('bounds and cleans what the manifest says', async () => {
    const bytes = buildTgz([
      {
        name: 'x/package.json',
        content: `{"name":"a","version":"1.0.0","description":"\\u0000\\ud800${'é'.repeat(10_000)}","author":7,"license":["MIT",{"type":"ISC"}]}`,
      },
    ]);
    const { metadata } = await inspect(createRequest(tarballUrl, npm), { bytes }, createContext());
    expect(metadata.description).toBe('é'.repeat(2048));
    expect(metadata).toMatchObject({ author: '', license: 'MIT OR ISC' });
  });
});

describe('npm.audit', () => {
  const request = createRequest('https://registry.example/-/npm/v1/security/advisories/bulk', npm, 'POST');
  const judge = async (report: unknown) => (await inspect(request, { bytes: Buffer.from(JSON.stringify(report)) }, createContext())).verdict;
  const advisory = { id: 1, url: 'https://advisories.example/1', title: 'Prototype pollution', severity: 'high', vulnerable_versions: '<1.2.3', cwe: [] };

  it('approves the reports that npm reads, in either shape', async () => {
    expect((await inspect(request, { bytes: gzipSync('{}'), headers: { 'content-encoding': 'gzip' } }, createContext())).verdict).toBe('Approved');
    expect(await judge({ minimist: [advisory], other: [] })).toBe('Approved');
    expect(await judge({ actions: [], advisories: { 1: advisory }, muted: [], metadata: { vulnerabilities: {} } })).toBe('Approved');
  });

  it.each([
    ['another document', { payload: 'x' }],
    ['text in place of advisories', { minimist: ['#!/bin/sh'] }],
    ['an advisory without its fields', { minimist: [{ id: 1, payload: 'x' }] }],
    ['an advisory with a title of a megabyte', { minimist: [{ ...advisory, title: 'x'.repeat(1024 * 1024) }] }],
    ['more than 2 MiB', { minimist: Array.from({ length: 20_000 }, () => advisory) }],
    ['a list', []],
  ])('rejects %s', async (_name, report) => {
    expect(await judge(report)).toBe('Rejected');
  });

  it('rejects what is not JSON', async () => {
    expect((await inspect(request, { bytes: Buffer.from('<html>') }, createContext())).verdict).toBe('Rejected');
  });
});
