import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { InspectionContext } from '../../inspection/inspector.js';
import { buildTar, buildTgz } from '../__fixtures__/build-tar.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { surviveMutation } from '../oci/__fixtures__/survive-mutation.js';
import { target } from './__fuzz__/store.fuzz.js';

const configuration = { store: { urls: ['https://store.example:443/**'] }, bldbin: { urls: ['https://builds.example:443/**'] } };
const charm = Buffer.from('the bytes of a charm');
const charmUrl = 'https://store.example/api/v1/charms/download/abc_7.charm';

function session(): InspectionContext {
  return { ...createContext(), configuration };
}

function answer(changes: Record<string, unknown> = {}): Buffer {
  const download = { url: charmUrl, size: charm.length, 'hash-sha-256': createHash('sha256').update(charm).digest('hex'), ...changes };
  return Buffer.from(JSON.stringify({ results: [{ charm: { name: 'sample', revision: 7, version: '1.0', download } }] }));
}

async function ask(context: InspectionContext, url: string, bytes: Buffer, method = 'GET') {
  const { verdict, inspections, metadata } = await inspect(createRequest(url, {}, method), { bytes }, context);
  const [inspection] = Object.values(inspections);
  return { verdict, opinion: inspection?.opinion, reason: inspection?.reason, metadata };
}

async function learned(changes?: Record<string, unknown>): Promise<InspectionContext> {
  const context = session();
  expect(await ask(context, 'https://store.example/v2/charms/refresh', answer(changes), 'POST')).toMatchObject({
    verdict: 'Approved',
    metadata: { type: 'application/x.canonical.store-answer' },
  });
  return context;
}

describe('store.api and store.file', () => {
  it('approve a file that an answer of the store gives a digest', async () => {
    expect(await ask(await learned(), charmUrl, charm)).toMatchObject({
      verdict: 'Approved',
      metadata: { type: 'application/x.canonical.store-file', name: 'sample', version: '1.0' },
    });
  });

  it('take the strongest digest, and the size', async () => {
    const strong = await learned({ 'hash-sha-512': '0'.repeat(128) });
    expect(await ask(strong, charmUrl, charm)).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('not the one that the store declares') });
    const sha3 = await learned({ 'hash-sha3-384': createHash('sha3-384').update(charm).digest('hex') });
    expect(await ask(sha3, charmUrl, charm)).toMatchObject({ verdict: 'Approved' });
    expect(await ask(await learned({ size: 3 }), charmUrl, charm)).toMatchObject({
      opinion: 'Rejected',
      reason: expect.stringContaining('the store declares 3'),
    });
  });

  it('reject one changed byte, and know nothing of what no answer names', async () => {
    const changed = Buffer.from(charm);
    changed[0] = 0;
    expect(await ask(await learned(), charmUrl, changed)).toMatchObject({ opinion: 'Rejected' });
    expect(await ask(session(), charmUrl, charm)).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('ask the store through the proxy') });
  });

  it('have no say elsewhere', async () => {
    expect((await ask(session(), 'https://other.example/v2/charms/refresh', answer(), 'POST')).reason).toContain('unknown');
    expect((await ask({ ...createContext(), configuration: { store: { urls: 7 } } }, 'https://store.example/v2/x', answer())).reason).toContain('unknown');
    for (const bytes of ['7', '<html>', ''])
      expect(await ask(session(), 'https://store.example/v2/x', Buffer.from(bytes))).toMatchObject({ verdict: 'Rejected' });
  });
});

describe('bldbin', () => {
  const url = 'https://builds.example/sample.tar.xz';
  const yaml = 'name: sample\nversion: 1.10\nbase: sample-24.04\narchitecture: amd64\n';
  const xz = (bytes: Buffer): Buffer => execFileSync('xz', ['-c'], { input: bytes });

  it('approves a package from a configured place', async () => {
    const bytes = xz(
      buildTar([
        { name: './metadata.yaml', content: yaml },
        { name: './usr/bin/x', content: 'x' },
      ]),
    );
    expect(await ask(session(), url, bytes)).toMatchObject({
      verdict: 'Approved',
      metadata: { type: 'application/x.canonical.bld-bin-package', name: 'sample', version: '1.10', architecture: 'amd64' },
    });
  });

  it.each<[string, () => Buffer]>([
    ['no metadata.yaml', () => xz(buildTar([{ name: 'x' }]))],
    ['has no base', () => xz(buildTar([{ name: 'metadata.yaml', content: 'name: x\nversion: 1\n' }]))],
    ['xz data is damaged', () => buildTgz([{ name: 'metadata.yaml', content: yaml }])],
    [
      'outside',
      () =>
        xz(
          buildTar([
            { name: 'metadata.yaml', content: yaml },
            { name: 'x', type: '2', link: '../../x' },
          ]),
        ),
    ],
  ])('rejects: %s', async (reason, bytes) => {
    expect(await ask(session(), url, bytes())).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining(reason) });
  });
});

it('never crashes on hostile documents', async () => {
  await surviveMutation(target);
});
