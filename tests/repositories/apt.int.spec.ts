import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createSigningKey } from '../../libs/inspectors/apt/__fixtures__/sample-repository.js';
import { buildDeb } from '../../libs/repository-formats/deb/__fixtures__/build-deb.js';
import { knowDeb, openSpecKeys, type KnownDeb, type SpecKeys } from '../../libs/repository-formats/deb/__fixtures__/deb-repository.js';
import { startS3Server, type S3Server } from '../../libs/testing/start-s3-server.js';
import { createAptPublisher, openPublicBucket, serveDirectory, type RepositoryPlace } from './publish-apt.js';
import { openPrivateApt, type AptOutcome, type PrivateApt } from './private-apt.js';

let directory: string;
let key: SpecKeys;

beforeAll(async () => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-apt-'));
  key = await openSpecKeys(newDirectory());
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function newDirectory(): string {
  return mkdtempSync(path.join(directory, 'apt-'));
}

/** Believes the key that signs, unless told. */
function createApt(url: string, keyring = Buffer.from(key.publicKey)): PrivateApt {
  return openPrivateApt(newDirectory(), { url, distribution: 'rye', keyring });
}

async function samplePackages(): Promise<KnownDeb[]> {
  const others = Array.from({ length: 60 }, (_, index) => buildDeb({ name: `other${index}` }));
  return Promise.all(
    [
      buildDeb({ name: 'sample', version: '2:1.0+dfsg~rc1-1', fields: 'Source: sample-src\nDepends: libsample1 (>= 1.0~), sample-virtual\n', content: 'of sample\n' }),
      buildDeb({ name: 'libsample1', version: '1.0-1', fields: 'Provides: sample-virtual (= 3)\nMulti-Arch: same\n' }),
      buildDeb({ name: 'sample-doc', architecture: 'all' }),
      ...others,
    ].map((bytes) => knowDeb(bytes)),
  );
}

async function checkInstall(place: RepositoryPlace): Promise<void> {
  const { root, apt } = createApt(place.url, Buffer.from(await (await fetch(`${place.url}/archive-key.gpg`)).arrayBuffer()));
  expect(await apt('update')).toMatchObject({ code: 0 });
  const installed = await apt('install', 'sample', 'sample-doc');
  expect(installed).toMatchObject({ code: 0 });
  expect(installed.output).toContain('Setting up sample (2:1.0+dfsg~rc1-1)');
  expect(installed.output).toContain('Setting up libsample1:amd64 (1.0-1)');
  expect(readFileSync(path.join(root, 'usr/share/sample/content'), 'utf8')).toBe('of sample\n');
  expect(readFileSync(path.join(root, 'var/lib/dpkg/status'), 'utf8')).toMatch(/Package: sample-doc\nStatus: install ok installed/);
}

describe('apt', () => {
  it('installs packages with what they need from a directory over HTTP, indexes by their hashes', async () => {
    const place = await serveDirectory(newDirectory());
    try {
      await createAptPublisher(place, { directory, key }).publish(await samplePackages());
      await checkInstall(place);
      const indexes = place.asked.filter((name) => name.includes('/main/'));
      expect(indexes.filter((name) => name.startsWith('/dists/'))).toEqual([expect.stringMatching(/^\/dists\/rye\/main\/binary-amd64\/by-hash\/SHA256\/[0-9a-f]{64}$/)]);
    } finally {
      await place.close();
    }
  }, 60_000);

  it('believes neither another key nor a changed file', async () => {
    const place = await serveDirectory(newDirectory());
    try {
      const publisher = createAptPublisher(place, { directory, key });
      const known = await samplePackages();
      await publisher.publish(known);
      const stranger = await createApt(place.url, Buffer.from((await createSigningKey()).publicKey)).apt('update');
      expect(stranger.code).not.toBe(0);
      expect(stranger.output).toContain('NO_PUBKEY');
      const among = createApt(place.url, Buffer.from((await createSigningKey()).publicKey + key.publicKey));
      expect(await among.apt('update')).toMatchObject({ code: 0 });
      const { apt } = createApt(place.url);
      expect(await apt('update')).toMatchObject({ code: 0 });
      const [first] = known as [KnownDeb];
      const changed = Buffer.from(first.bytes);
      changed[changed.length - 20] = (changed[changed.length - 20] as number) ^ 1;
      await place.put(first.listed.path, changed);
      const refused = await apt('download', 'sample');
      expect(refused.code).not.toBe(0);
      expect(refused.output).toContain('Hash Sum mismatch');
    } finally {
      await place.close();
    }
  }, 60_000);

  it('sees a whole repository at every step of a publication, also with an index read long before', async () => {
    const place = await serveDirectory(newDirectory());
    try {
      const publisher = createAptPublisher(place, { directory, key });
      const known = await samplePackages();
      await publisher.publish(known);
      const early = createApt(place.url);
      expect(await early.apt('update')).toMatchObject({ code: 0 });
      const added = await knowDeb(buildDeb({ name: 'sample-new' }));
      const { immutable, switched } = await publisher.write([...known, added]);
      const names: string[] = [];
      const look = async (): Promise<void> => {
        const { apt } = createApt(place.url);
        expect(await apt('update')).toMatchObject({ code: 0 });
        names.push((await apt('install', '--print-uris', 'sample-new')).code === 0 ? 'new' : 'old');
      };
      await place.put(added.listed.path, added.bytes);
      for (const file of [...immutable, ...switched]) {
        await publisher.putAll([file]);
        if (file.path.includes('binary-amd64') || switched.includes(file)) await look();
      }
      expect(names).toEqual([...Array.from({ length: names.length - 1 }, () => 'old'), 'new']);
      expect(await early.apt('download', 'sample')).toMatchObject({ code: 0 });
    } finally {
      await place.close();
    }
  }, 60_000);

  it('would not, if the signed list were switched before what it lists', async () => {
    const place = await serveDirectory(newDirectory());
    try {
      const publisher = createAptPublisher(place, { directory, key });
      const known = await samplePackages();
      await publisher.publish(known);
      await publisher.putAll((await publisher.write(known.slice(1))).switched);
      const torn = await createApt(place.url).apt('update');
      expect(torn.code).not.toBe(0);
      expect(torn.output).toMatch(/Failed to fetch .*binary-amd64\/Packages {2}404/);
    } finally {
      await place.close();
    }
  }, 60_000);
});

describe('apt and a bucket', () => {
  let server: S3Server;
  beforeAll(async () => void (server = await startS3Server(path.join(directory, 's3'))), 60_000);
  afterAll(() => server.kill());

  it('installs straight from it', async () => {
    const place = await openPublicBucket(server, 'packages', 'farm/stable');
    try {
      await createAptPublisher(place, { directory, key }).publish(await samplePackages());
      await checkInstall(place);
    } finally {
      await place.close();
    }
  }, 60_000);

  it('never tells of a hash sum while state after state is switched under it', async () => {
    const place = await openPublicBucket(server, 'storm', 'farm');
    try {
      const publisher = createAptPublisher(place, { directory, key });
      const known = await samplePackages();
      await publisher.publish(known);
      const clients = Array.from({ length: 4 }, () => createApt(place.url));
      let states = 0;
      let over = false;
      const storm = (async (): Promise<void> => {
        for (; !over; states += 1) await publisher.publish([...known, await knowDeb(buildDeb({ name: `storm${states % 7}`, version: `${states}` }))].slice(states % 3));
      })();
      const outcomes: AptOutcome[] = [];
      try {
        for (const { apt } of clients) outcomes.push(await apt('update'), await apt('update'), await apt('download', 'other1'));
      } finally {
        over = true;
        await storm;
      }
      expect(outcomes.filter(({ code, output }) => code !== 0 || /Hash Sum mismatch|Failed to fetch|W:|E:/.test(output))).toEqual([]);
      expect(states).toBeGreaterThan(outcomes.length / 2);
    } finally {
      await place.close();
    }
  }, 90_000);
});
