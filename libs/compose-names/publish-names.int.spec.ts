import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { query } from '../database/sql.js';
import { recordedComposes } from '../compose-record/__fixtures__/recorded-composes.js';
import type { ObjectStore } from '../object-storage/object-store.js';
import { openObjectStore } from '../object-storage/open-object-store.js';
import { s3Credentials, startS3Server, type S3Server } from '../testing/start-s3-server.js';
import { checkNamePlaces } from './check-name-places.js';
import { createComposeNames } from './create-compose-names.js';
import { nameBucket, nameDirectory, type NamePlace } from './name-places.js';
import { publishNames } from './publish-names.js';
import { rebuildComposeNames } from './rebuild-compose-names.js';

const { database, done, fresh, pinned, commands } = recordedComposes();
const options = { composeUrl: 'https://composes.test', graceSeconds: 7200 };
const names = () => createComposeNames(database(), options);
const by = { by: 'ann', force: true };
let root: string;
let failures: string[];
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'millrace-names-'));
  failures = [];
});
beforeEach(() => query(database(), 'delete from compose_name_places'));
afterEach(() => rmSync(root, { recursive: true, force: true }));

const place = (...parts: readonly string[]): string => path.join(root, 'latest', ...parts);
const publish = (...places: readonly NamePlace[]): Promise<number> => publishNames({ database: database(), places, onFailure: (name, reason) => failures.push(`${name}: ${reason}`) });
const directory = (): NamePlace => nameDirectory(root, options);
const listed = (): string[] => (existsSync(place()) ? readdirSync(place(), { recursive: true, encoding: 'utf8' }).filter((name) => !lstatSync(place(name)).isDirectory()).sort() : []);
const due = (): Promise<unknown> => query(database(), 'update compose_name_places set due_at = now()');

describe('the directory of composes', () => {
  it('has a link for each name, and files beside it, which follow it', async () => {
    const [one, two] = [await done(), await done(fresh({ arches: ['x86_64', 's390x'] }))];
    await names().promote('nightly', two, by);
    expect(await publish(directory())).toBe(1);
    expect(readlinkSync(place('nightly'))).toBe(`../odcs-${two}`);
    const mirrors = ['s390x/debug/tree', 's390x/os', 'source/tree', 'x86_64/debug/tree', 'x86_64/os'].map((file) => `nightly.mirrors/${file}`);
    expect(listed()).toEqual(['nightly', 'nightly.json', ...mirrors, 'nightly.repo']);
    expect(readFileSync(place('nightly.mirrors/x86_64/os'), 'utf8')).toBe(`https://composes.test/odcs-${two}/compose/Temporary/x86_64/os/\n`);
    expect(readFileSync(place('nightly.repo'), 'utf8')).toContain('\nbaseurl=https://composes.test/latest/nightly/compose/Temporary/$basearch/os\nmirrorlist=https://composes.test/latest/nightly.mirrors/$basearch/os\nmetadata_expire=3600\n');
    expect(JSON.parse(readFileSync(place('nightly.json'), 'utf8'))).toMatchObject({ name: 'nightly', compose_id: two, url: `https://composes.test/odcs-${two}/` });
    expect(await publish(directory())).toBe(0);
    await names().promote('nightly', one, by);
    await publish(directory());
    expect(readlinkSync(place('nightly'))).toBe(`../odcs-${one}`);
    expect(listed()).toEqual(['nightly', 'nightly.json', 'nightly.mirrors/source/tree', 'nightly.mirrors/x86_64/debug/tree', 'nightly.mirrors/x86_64/os', 'nightly.repo']);
    await names().remove('nightly', 'ann');
    await publish(directory());
    expect(listed()).toEqual([]);
  });

  it('leads to the files of another compose where the one has those', async () => {
    const request = fresh();
    const original = await done(request);
    const reuser = await pinned(request);
    await commands().claimTree(reuser);
    await names().promote('reused', reuser, by);
    await publish(directory());
    expect(readlinkSync(place('reused'))).toBe(`../odcs-${original}`);
    expect(readFileSync(place('reused.mirrors/x86_64/os'), 'utf8')).toContain(`/odcs-${reuser}/`);
  });

  it('has no repositories of a compose with a layout of its own', async () => {
    await names().promote('raw', await done(), by);
    await publish(directory());
    await names().promote('raw', await done(fresh({ sourceType: 'raw_config' })), by);
    await publish(directory());
    expect(listed()).toEqual(['raw', 'raw.json']);
  });

  it('is never without the name while that moves', async () => {
    const [one, two] = [await done(), await done()];
    await names().promote('moving', one, by);
    await publish(directory());
    const seen = new Set<string>();
    let moving = true;
    const watch = (async () => {
      while (moving) {
        seen.add(readlinkSync(place('moving')));
        await new Promise(setImmediate);
      }
    })();
    for (let round = 0; round < 25; round += 1) {
      await names().promote('moving', round % 2 === 0 ? two : one, by);
      await publish(directory());
    }
    moving = false;
    await watch;
    expect([...seen].sort()).toEqual([`../odcs-${one}`, `../odcs-${two}`]);
    expect(readdirSync(place()).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('gets what could not be written when it can be, and the newest of it', async () => {
    const [one, two] = [await done(), await done()];
    await names().promote('later', one, by);
    const broken: NamePlace = { publish: () => Promise.reject(new Error('the disk is full')), withdraw: () => Promise.reject(new Error('no')) };
    await publish(directory(), broken);
    expect(failures).toEqual(['later: the disk is full']);
    expect(await publish(directory())).toBe(0);
    await names().promote('later', two, by);
    await due();
    await publish(directory());
    expect(readlinkSync(place('later'))).toBe(`../odcs-${two}`);
  });

  it('gets what a worker that died had claimed, and what moved while it was written', async () => {
    const [one, two] = [await done(), await done()];
    await names().promote('taken', one, by);
    const moves: NamePlace = {
      ...directory(),
      async publish(name, compose) {
        await directory().publish(name, compose);
        if (compose.id === one) await names().promote('taken', two, by);
      },
    };
    await publish(moves);
    expect(readlinkSync(place('taken'))).toBe(`../odcs-${one}`);
    await query(database(), `update compose_name_places set owner = gen_random_uuid(), due_at = now() + interval '30 seconds'`);
    expect(await publish(moves)).toBe(0);
    await due();
    expect(await publish(moves)).toBe(1);
    expect(readlinkSync(place('taken'))).toBe(`../odcs-${two}`);
  });

  it('is written again where it is not what the record says, and after that was rebuilt', async () => {
    const id = await done();
    for (const name of ['right', 'wrong', 'lost']) await names().promote(name, id, by);
    await publish(directory());
    expect(await checkNamePlaces(database(), root)).toBe(0);
    unlinkSync(place('wrong'));
    symlinkSync('../odcs-1', place('wrong'));
    unlinkSync(place('lost'));
    expect(await checkNamePlaces(database(), root)).toBe(2);
    expect(await publish(directory())).toBe(2);
    for (const name of ['right', 'wrong', 'lost']) expect(readlinkSync(place(name))).toBe(`../odcs-${id}`);
    await query(database(), 'delete from compose_name_places');
    rmSync(root, { recursive: true });
    await rebuildComposeNames(database());
    while ((await publish(directory())) > 0) expect(failures).toEqual([]);
    expect(readlinkSync(place('right'))).toBe(`../odcs-${id}`);
  });
});

describe('the bucket', () => {
  let server: S3Server;
  let storage: string;
  let bucket: ObjectStore;
  const before = { ...process.env };
  beforeAll(async () => {
    Object.assign(process.env, s3Credentials);
    storage = mkdtempSync(path.join(tmpdir(), 'millrace-name-bucket-'));
    server = await startS3Server(path.join(storage, 's3'));
    server.makeBucket('names');
    bucket = openObjectStore(`s3://names/farm?endpoint=${server.endpoint}&path-style=1`, { name: 'the bucket of the spec' });
  });
  afterAll(async () => {
    bucket.close();
    await server.kill();
    for (const name of Object.keys(s3Credentials)) if (before[name] === undefined) delete process.env[name];
    rmSync(storage, { recursive: true, force: true });
  });

  const keys = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of bucket.list('')) found.push(key);
    return found.sort();
  };

  it('has the files beside a name, whose lists lead to the compose there', async () => {
    const id = await done(fresh({ arches: ['x86_64', 's390x'] }));
    await names().promote('nightly', id, by);
    await publish(nameBucket(bucket, options));
    expect(failures).toEqual([]);
    expect(await keys()).toEqual(['json', 'mirrors/s390x/debug/tree', 'mirrors/s390x/os', 'mirrors/source/tree', 'mirrors/x86_64/debug/tree', 'mirrors/x86_64/os', 'repo'].map((file) => `latest/nightly.${file}`));
    const repo = await text((await bucket.get('latest/nightly.repo')).content);
    expect([repo.includes('baseurl='), repo.includes('mirrorlist=https://composes.test/latest/nightly.mirrors/$basearch/os\n')]).toEqual([false, true]);
    await names().promote('nightly', await done(), by);
    await publish(nameBucket(bucket, options));
    expect(await keys()).toHaveLength(5);
    await names().remove('nightly', 'ann');
    await publish(nameBucket(bucket, options));
    expect(await keys()).toEqual([]);
  });
});
