import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { buildTgz } from '../__fixtures__/build-tar.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { parseArchiveRequest } from './archive-path.js';
import { rememberRefs } from './known-refs.js';

/** `git archive --prefix=mill-1.0.0/ v1.0.0` of git 2.39. */
const tarball = readFileSync(new URL('./__fixtures__/mill-1.0.0.tar.gz', import.meta.url));
const zip = readFileSync(new URL('./__fixtures__/mill-1.0.0.zip', import.meta.url));
const commit = '53641c02208b3111f4f56d2577d45f6b4c8b2bc7';
const other = 'a'.repeat(40);
const forge = 'https://forge.example/mills/mill';

async function opinionOn(bytes: Buffer, { url = `${forge}/archive/refs/tags/v1.0.0.tar.gz`, refs = [] as { id: string; name: string }[] } = {}): Promise<string> {
  const context = createContext();
  await rememberRefs(context.knowledge, 'https://forge.example:443/mills/mill.git', refs);
  const { inspections } = await inspect(createRequest(url), { bytes }, context);
  return `${inspections['git.archive']?.opinion}: ${inspections['git.archive']?.reason}`;
}

describe('git.archive', () => {
  it.each([
    ['/mills/mill/archive/refs/tags/v1.0.0.tar.gz', '/mills/mill', 'v1.0.0'],
    ['/mills/mill/archive/refs/heads/a/b.zip', '/mills/mill', 'a/b'],
    [`/mills/mill/archive/${commit}.tar.gz`, '/mills/mill', commit],
    ['/group/sub/mill/-/archive/v1.0.0/mill-v1.0.0.tar.gz', '/group/sub/mill', 'v1.0.0'],
    ['/mills/mill/tar.gz/refs/tags/v1.0.0', '/mills/mill', 'v1.0.0'],
    ['/mills/mill/legacy.zip/main', '/mills/mill', 'main'],
    ['/api/v3/repos/mills/mill/tarball/main', '/mills/mill', 'main'],
    ['/cgit/mill.git/snapshot/mill-1.0.0.tar.gz', '/cgit/mill', '1.0.0'],
  ])('knows %s', (path, repository, ref) => {
    const bare = `https://forge.example:443${repository}`;
    expect(parseArchiveRequest(createRequest(`https://forge.example${path}`))).toEqual({ repositories: [bare, `${bare}.git`], ref });
  });

  it('does not know other files', () => {
    for (const path of ['/mill-1.0.0.tar.gz', '/packages/mill-1.0.0.tar.gz', '/mills/mill/releases/download/v1/mill.tar.gz', '/archive']) expect(parseArchiveRequest(createRequest(`https://forge.example${path}`))).toBeUndefined();
    expect(parseArchiveRequest(createRequest(`${forge}/archive/main.zip`, {}, 'POST'))).toBeUndefined();
  });

  it.each([
    ['tar', tarball],
    ['zip', zip],
  ])('reads the commit of a real %s and approves nothing by it', async (_kind, bytes) => {
    const result = await inspect(createRequest(`${forge}/archive/refs/tags/v1.0.0.tar.gz`), { bytes }, createContext());
    expect(result.inspections['git.archive']).toMatchObject({ opinion: 'Unknown', annotations: { commit, directory: 'mill-1.0.0' }, reason: expect.stringContaining('pin its SHA-256 digest in the policy') });
    expect(result.metadata).toMatchObject({ type: 'application/x.git.archive', name: 'mill', version: 'v1.0.0', purl: expect.stringContaining(commit) });
    expect(result.verdict).toBe('Rejected');
  });

  it('compares the commit with what the repository listed and with the one asked for', async () => {
    expect(await opinionOn(tarball, { refs: [{ id: commit, name: 'refs/tags/v1.0.0^{}' }] })).toMatch(/^Unknown: .* of the commit that the repository lists for v1\.0\.0/);
    expect(await opinionOn(tarball, { refs: [{ id: other, name: 'refs/tags/v1.0.0^{}' }] })).toBe(`Rejected: the archive is of commit ${commit}, but the repository listed ${other} for v1.0.0 in this session`);
    expect(await opinionOn(tarball, { refs: [{ id: other, name: 'refs/tags/v1.0.0' }] })).toMatch(/^Unknown: the archive is sound, but nothing/);
    expect(await opinionOn(tarball, { url: `${forge}/archive/${other}.tar.gz` })).toBe(`Rejected: the archive is of commit ${commit}, but ${other} was asked for`);
  });

  it('refuses what is damaged or hostile, and says Unknown of other formats', async () => {
    expect(await opinionOn(tarball.subarray(0, -20))).toMatch(/^Rejected: the archive is not a sound gzip file/);
    expect(await opinionOn(buildTgz([{ name: '../evil', content: 'x' }]))).toMatch(/^Rejected: /);
    expect(await opinionOn(zip.subarray(0, -80))).toMatch(/^Rejected: the archive is not a sound zip file/);
    expect(await opinionOn(Buffer.from('BZh91AY'))).toMatch(/^Unknown: the archive is neither/);
    expect(await opinionOn(Buffer.alloc(0))).toMatch(/^Rejected: the archive is empty/);
    expect(await opinionOn(buildTgz([{ name: 'mill/a', content: 'x' }]))).toMatch(/^Unknown: the archive is sound, but does not say/);
    const forged = gunzipSync(tarball);
    forged.write('comment=xyz', 515);
    expect(await opinionOn(gzipSync(forged))).toMatch(/^(?:Unknown|Rejected): /);
  });

  it('never approves, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(tarball, zip), fc.nat(), fc.nat(255), async (bytes, at, value) => {
        const changed = Buffer.from(bytes);
        changed[at % changed.length] = value;
        expect(await opinionOn(changed)).toMatch(/^(?:Rejected|Unknown): (?!the inspection failed)/);
      }),
      { numRuns: 100 },
    );
  });
});
