import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createCacheRecord } from '../cache-record/create-cache-record.js';
import { draftOf, specInstance } from '../cache-record/__fixtures__/recorded-cache.js';
import { composeLives } from '../compose-record/__fixtures__/compose-lives.js';
import { createComposeCommands } from '../compose-record/create-compose-commands.js';
import { createComposePackages } from '../compose-record/compose-packages.js';
import { rebuildComposes } from '../compose-record/rebuild-composes.js';
import { query } from '../database/sql.js';
import type { PackageOrigin } from '../repository/listed-package.js';
import type { ContentReference } from '../repository/repository-change.js';
import { keyOf, recordedRepositories, type SpecPackage } from './__fixtures__/recorded-repositories.js';

const { reads, repository, uploaded, upload, request, outcome, publish, now, database } = recordedRepositories();
const composeCommands = () => createComposeCommands(database(), { composeUrl: 'http://composes.test', secondsToLive: 3600, maximumSecondsToLive: 3600, now });
const composes = composeLives(composeCommands);
const packages = () => createComposePackages(database());

let number = 0;
const fresh = (): SpecPackage => ({ name: `p${(number += 1)}`, version: '1' });

async function digestIn(one: SpecPackage): Promise<string> {
  return (await uploaded(await repository(), one)).sha256;
}

async function composeWith(...digests: readonly string[]): Promise<number> {
  const id = await composes.done();
  await packages().remember(id, digests);
  return id;
}

async function sessionWith(sha256: string): Promise<string> {
  const id = randomUUID();
  await query(database(), `insert into sessions (id, state, policy, owner, retain, opened_at, expires_at, timeout_seconds, token_digest, inspectors_configuration, position) values ($1, 'open', 'strict', '', false, now(), now(), 1, '', '{}', 1)`, [id]);
  await query(database(), `insert into artefacts (session_id, sha256, sha1, size, first_position, last_position, downloads, type, name, version, verdict, kept) values ($1, $2, '', 1, 1, 1, 1, '', '', '', 'Approved', false)`, [id, sha256]);
  return id;
}

async function entryWith(sha256: string, key: string): Promise<void> {
  const record = createCacheRecord(database(), { instances: new Map([['main', specInstance('main')]]), clock: now });
  const digest = { function: 'sha256', hash: sha256, size: 4 } as const;
  await record.commitBlobs('main', [{ digest, place: { content: Buffer.from('test') } }], 'spec');
  await record.putEntry(draftOf(key, { target: { digest, shape: 'plain' } }), 'spec');
}

async function publishedOrigin(one: SpecPackage, said: { readonly origin?: PackageOrigin; readonly contents?: readonly ContentReference[] } = {}): Promise<PackageOrigin> {
  const name = await repository();
  const id = await upload(name, one);
  const { origin = {}, contents } = said;
  await outcome(await request(name, { kind: 'publish', uploads: contents === undefined ? [id] : [], contents: contents ?? [], origin }));
  return (await reads().package(name, keyOf(one))).origin;
}

describe('origins', () => {
  it('are sessions that downloaded the bytes, and repositories with what was said there', async () => {
    const unique = fresh();
    const [one, other] = [await repository(), await repository()];
    await publish(one, [unique]);
    await publish(other, [unique]);
    const { sha256 } = await reads().package(one, keyOf(unique));
    const session = await sessionWith(sha256);
    expect(await reads().origins(sha256)).toEqual([{ session, found: true }, { build: 'b1', repository: one, found: true }, { build: 'b1', repository: other, found: true }]);
    expect(await reads().origins('no digest')).toEqual([]);
  });

  it('are composes that are there, newest first, and those that share their files', async () => {
    const sha256 = await digestIn(fresh());
    const [first, second] = [await composeWith(sha256, 'b'.repeat(64)), await composeWith(sha256)];
    const shared = composes.fresh();
    const [leader, follower] = [await composes.done(shared), await composes.claimed(shared)];
    await packages().remember(leader, [sha256]);
    expect(await reads().origins(sha256)).toEqual([follower, leader, second, first].map((compose) => ({ compose, found: true })));
    await composeCommands().remove(second, 'ann');
    await composeCommands().expire(second);
    expect(await reads().origins(sha256)).toEqual([follower, leader, first].map((compose) => ({ compose, found: true })));
  });

  it('are entries of the cache that name the blob, also from another size of the same digest', async () => {
    const sha256 = await digestIn(fresh());
    await entryWith(sha256, 'built');
    expect(await reads().origins(sha256)).toEqual([{ cache: { instance: 'main', key: 'built' }, found: true }]);
  });
});

describe('where a package came from', () => {
  it('is found by its digest when nobody says it', async () => {
    const one = fresh();
    const sha256 = await digestIn(one);
    expect(await publishedOrigin(one)).toEqual({});
    const [session, compose] = [await sessionWith(sha256), await composeWith(sha256)];
    await entryWith(sha256, 'output');
    const found = { session, compose, cache: { instance: 'main', key: 'output' }, found: true };
    expect(await publishedOrigin(one)).toEqual(found);
    expect(await publishedOrigin(one, { origin: { build: 'b7' } })).toEqual({ ...found, build: 'b7' });
  });

  it('is what was said, where something was', async () => {
    const one = fresh();
    await composeWith(await digestIn(one));
    expect(await publishedOrigin(one, { origin: { session: 's1' } })).toEqual({ session: 's1' });
    expect(await publishedOrigin(one, { origin: { url: 'https://farm.test/1' } })).toEqual({ url: 'https://farm.test/1' });
  });

  it('is where its bytes were taken from', async () => {
    const one = fresh();
    const sha256 = await digestIn(one);
    expect(await publishedOrigin(one, { contents: [{ sha256, from: { compose: 12 } }] })).toEqual({ compose: 12 });
    expect(await publishedOrigin(one, { contents: [{ sha256, from: { cache: 'main' } }], origin: { build: 'b1' } })).toEqual({ cache: { instance: 'main', key: sha256 }, build: 'b1' });
  });

  it('of packages of one change is told of each', async () => {
    const [one, other] = [fresh(), fresh()];
    const name = await repository();
    const uploads = [await upload(name, one), await upload(name, other)];
    const compose = await composeWith(await digestIn(other));
    await outcome(await request(name, { kind: 'publish', uploads, contents: [], origin: {} }));
    expect((await reads().package(name, keyOf(one))).origin).toEqual({});
    expect((await reads().package(name, keyOf(other))).origin).toEqual({ compose, found: true });
  });
});

describe('the packages of a compose', () => {
  it('are known once, and again when its tree is made again or the record is rebuilt', async () => {
    await query(database(), 'update compose_trees set packages_known = true');
    const id = await composes.done();
    const { plan } = (await packages().unknown(0, 10)).find(({ tree }) => tree === id) ?? {};
    expect(plan).toMatch(/^c{64}$/);
    await packages().remember(id, ['d'.repeat(64)]);
    await packages().remember(id, ['e'.repeat(64), 'f'.repeat(64)]);
    expect(await packages().unknown(0, 10)).toEqual([]);
    expect(await reads().origins('d'.repeat(64))).toEqual([]);
    expect(await reads().origins('f'.repeat(64))).toEqual([{ compose: id, found: true }]);
    await rebuildComposes(database());
    expect(await packages().unknown(id - 1, 1)).toEqual([{ tree: id, plan }]);
    expect(await packages().unknown(id, 10)).toEqual([]);
  });

  it('are forgotten with its files', async () => {
    const id = await composes.removed();
    await packages().remember(id, ['d'.repeat(64)]);
    const [tree] = (await composeCommands().releasableTrees(100)).filter((each) => each.id === id);
    expect(tree).toBeDefined();
    if (tree !== undefined) await composeCommands().forgetTree(tree);
    await packages().remember(id, ['d'.repeat(64)]);
    expect(await query(database(), 'select 1 from compose_packages where tree = $1', [id])).toEqual([]);
  });
});
