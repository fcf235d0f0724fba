import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import type { InspectionContext } from '../../inspection/inspector.js';
import { buildTar } from '../__fixtures__/build-tar.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { sampleSnap } from '../snap/__fixtures__/sample-snap.js';
import { surviveMutation } from '../oci/__fixtures__/survive-mutation.js';
import { target } from './__fuzz__/simple-streams.fuzz.js';

const mirror = 'https://images.example/mirror';
const rootfs = sampleSnap('xz');
const yaml = 'architecture: x86_64\ncreation_date: 1\nproperties:\n  description: A sample image\n';
const metadata = xz(
  buildTar([
    { name: 'metadata.yaml', content: yaml },
    { name: 'templates/hostname.tpl', content: 'x' },
  ]),
);

function xz(bytes: Buffer): Buffer {
  return execFileSync('xz', ['-c'], { input: bytes });
}

function item(path: string, bytes: Buffer, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { ftype: path.split('/').at(-1), path, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), ...changes };
}

function products(items: Record<string, unknown>): Buffer {
  const product = { arch: 'amd64', os: 'Sample', release_title: '1.0', versions: { '20240101': { items } } };
  return Buffer.from(JSON.stringify({ format: 'products:1.0', content_id: 'images', products: { 'sample:1.0:amd64': product } }));
}

async function ask(context: InspectionContext, path: string, bytes: Buffer) {
  const { verdict, inspections, metadata: learnt } = await inspect(createRequest(`${mirror}/${path}`), { bytes }, context);
  const [inspection] = Object.values(inspections);
  return { verdict, opinion: inspection?.opinion, reason: inspection?.reason, metadata: learnt };
}

async function learned(items: Record<string, unknown>): Promise<InspectionContext> {
  const context = createContext();
  expect(await ask(context, 'streams/v1/images.json', products(items))).toMatchObject({
    verdict: 'Approved',
    metadata: { type: 'application/x.canonical.simplestreams-index' },
  });
  return context;
}

describe('lxd.simple-streams.index', () => {
  it('approves an index', async () => {
    const index = { format: 'index:1.0', index: { images: { path: 'streams/v1/images.json', products: ['x'] } } };
    expect(await ask(createContext(), 'streams/v1/index.json', Buffer.from(JSON.stringify(index)))).toMatchObject({ verdict: 'Approved' });
  });

  it.each<[string, unknown]>([
    ['neither an index', { format: 'x' }],
    ['no "index"', { format: 'index:1.0' }],
    ['is not a JSON object', { format: 'products:1.0', products: { x: 1 } }],
    ['no SHA-256', JSON.parse(products({ x: item('a', rootfs, { sha256: '00' }) }).toString())],
    ['no size', JSON.parse(products({ x: item('a', rootfs, { size: '1' }) }).toString())],
    ['impossible path', JSON.parse(products({ x: item('../a', rootfs) }).toString())],
    ['impossible path', JSON.parse(products({ x: item('/a', rootfs) }).toString())],
    ['not a JSON object', []],
  ])('rejects a document: %s', async (reason, document) => {
    expect(await ask(createContext(), 'streams/v1/images.json', Buffer.from(JSON.stringify(document)))).toMatchObject({
      opinion: 'Rejected',
      reason: expect.stringContaining(reason),
    });
  });

  it('keeps what 20,000 files have, more than one value holds', async () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`x${index}`, item(`images/${index}/root.squashfs`, rootfs)]));
    const context = await learned(many);
    expect(await ask(context, 'images/77/root.squashfs', rootfs)).toMatchObject({ verdict: 'Approved' });
  });
});

describe('lxd.simple-streams.download', () => {
  const path = 'images/sample 1/root.squashfs';
  const place = 'images/sample%201/root.squashfs';

  it('approves what a list of products declares', async () => {
    const context = await learned({ rootfs: item(path, rootfs), lxd: item('images/lxd.tar.xz', metadata) });
    expect(await ask(context, place, rootfs)).toMatchObject({
      verdict: 'Approved',
      metadata: { type: 'application/x.canonical.lxd-rootfs', name: 'sample:1.0:amd64', version: '20240101', architecture: 'amd64', description: 'Sample 1.0' },
    });
    expect(await ask(context, 'images/lxd.tar.xz', metadata)).toMatchObject({
      verdict: 'Approved',
      metadata: { type: 'application/x.canonical.lxd-metadata', description: 'A sample image' },
    });
  });

  it('rejects one changed byte, another size and a tarball without metadata', async () => {
    const bare = xz(buildTar([{ name: 'x', content: 'x' }]));
    const context = await learned({
      rootfs: item(path, rootfs),
      lxd: item('images/lxd.tar.xz', bare),
      other: item('images/other.squashfs', rootfs, { size: 1 }),
    });
    const changed = Buffer.from(rootfs);
    changed[200] = (changed[200] as number) ^ 1;
    expect(await ask(context, place, changed)).toMatchObject({
      opinion: 'Rejected',
      reason: expect.stringContaining('is not the one that the list of products declares'),
    });
    expect(await ask(context, 'images/other.squashfs', rootfs)).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('declares 1') });
    expect(await ask(context, 'images/lxd.tar.xz', bare)).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('no metadata.yaml') });
  });

  it('knows nothing of what no list declares', async () => {
    expect(await ask(createContext(), place, rootfs)).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('streams/v1/index.json') });
    expect((await ask(createContext(), 'images/x.zip', rootfs)).reason).toContain('unknown');
  });

  it('reads an image under a content coding', async () => {
    const context = await learned({ rootfs: item(path, rootfs) });
    const result = await inspect(createRequest(`${mirror}/${place}`), { bytes: gzipSync(rootfs), headers: { 'content-encoding': 'gzip' } }, context);
    expect(result.verdict).toBe('Approved');
  });
});

it('never crashes on hostile documents', async () => {
  await surviveMutation(target);
});
