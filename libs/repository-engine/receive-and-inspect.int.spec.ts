import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '../errors/millrace-error.js';
import { query } from '../database/sql.js';
import { breakingStore } from './__fixtures__/breaking-store.js';
import { by, engineScene, options, stream } from './__fixtures__/engine-scene.js';
import { lineFormat, linePackage, sha256 } from './__fixtures__/line-format.js';
import { openPackageBytes } from './package-bytes.js';

const scene = engineScene();
const incoming = (name: string): string[] => (existsSync(path.join(scene.folderOf(name), '.incoming')) ? readdirSync(path.join(scene.folderOf(name), '.incoming')) : []);

describe('an upload', () => {
  it('is in the repository\'s own store with its digest, and known', async () => {
    const name = await scene.repository();
    const content = linePackage('a', '1');
    const id = randomUUID();
    const upload = await scene.engine().receive(name, stream(content), { id, fileName: 'a.rpm', by, size: content.length, sha256: sha256(content) });
    expect(upload).toMatchObject({ id, repository: name, sha256: sha256(content), size: content.length, key: null });
    expect(incoming(name)).toEqual([id]);
    expect(await scene.engine().receive(name, stream(content), { id, fileName: 'a.rpm', by, sha256: sha256(content) })).toEqual(upload);
  });

  it.each([
    ['larger than it may be', { content: Buffer.alloc(2 * 1024 * 1024), given: {} }, 'payload-too-large'],
    ['announced as larger than it may be', { content: Buffer.alloc(1), given: { size: 2 * 1024 * 1024 } }, 'payload-too-large'],
    ['shorter than announced', { content: Buffer.alloc(10), given: { size: 11 } }, 'digest-mismatch'],
    ['longer than announced', { content: Buffer.alloc(10), given: { size: 9 } }, 'digest-mismatch'],
    ['other bytes than announced', { content: Buffer.alloc(10), given: { sha256: 'ab'.repeat(32) } }, 'digest-mismatch'],
  ])('that is %s leaves nothing', async (_what, { content, given }, code) => {
    const name = await scene.repository();
    const id = randomUUID();
    await expect(scene.engine().receive(name, stream(content), { id, fileName: 'a.rpm', by, ...given })).rejects.toMatchObject({ code });
    expect(incoming(name)).toEqual([]);
    await expect(scene.reads().upload(id)).rejects.toMatchObject({ code: 'upload-not-found' });
  });

  it.each(['with', 'without'])('goes on under its id after a crash between its arrival and its record, %s a digest of the client', async (said) => {
    const name = await scene.repository();
    const content = linePackage('a', '1');
    const id = randomUUID();
    const given = { id, fileName: 'a.rpm', by, ...(said === 'with' ? { sha256: sha256(content) } : {}) };
    const killed = scene.engine((folder) => breakingStore(scene.placeOf(folder), { at: 1, after: true }).store);
    await expect(killed.receive(name, stream(content), given)).rejects.toThrow('killed');
    expect(incoming(name)).toEqual([id]);
    await expect(scene.engine().receive(name, stream(linePackage('b', '1')), { id, fileName: 'b.rpm', by })).rejects.toMatchObject({ code: 'idempotency-conflict' });
    expect(await scene.engine().receive(name, stream(content), given)).toMatchObject({ id, sha256: sha256(content), size: content.length });
  });

  it.each([
    ['that says its size', (content: Buffer) => ({ size: content.length })],
    ['in chunks', () => ({})],
  ])('%s is refused where its repository has no room, and gives back what was kept for it', async (_how, sized) => {
    const content = linePackage('a', '1', 'x'.repeat(2000));
    const name = await scene.repository({ maxBytes: content.length + 100 });
    const receive = (bytes: Buffer, more = {}) => scene.engine().receive(name, stream(bytes), { id: randomUUID(), fileName: 'a.rpm', by, ...sized(bytes), ...more });
    await expect(receive(Buffer.concat([content, content]))).rejects.toMatchObject({ code: 'payload-too-large' });
    await expect(receive(content, { sha256: 'ab'.repeat(32) })).rejects.toMatchObject({ code: 'digest-mismatch' });
    expect(await receive(content)).toMatchObject({ size: content.length });
    await expect(receive(content)).rejects.toMatchObject({ code: 'repository-full' });
    expect(incoming(name)).toHaveLength(1);
    expect(await query(scene.spec.database, 'select 1 from repository_arrivals where repository = $1', [name])).toEqual([]);
  });

  it('is taken back, unless a change that goes on has it', async () => {
    const name = await scene.repository();
    const [free, taken] = [await scene.upload(name, { name: 'a', version: '1' }), await scene.upload(name, { name: 'b', version: '1' })];
    await scene.request(name, { kind: 'publish', uploads: [taken], contents: [], origin: {} });
    const discard = (id: string, of = name): Promise<void> => scene.engine().discard(of, id, {});
    await expect(discard(taken)).rejects.toMatchObject({ code: 'resources-in-use' });
    await expect(discard(free, await scene.repository())).rejects.toMatchObject({ code: 'upload-not-found' });
    await discard(free);
    await expect(discard(free)).rejects.toMatchObject({ code: 'upload-not-found' });
    expect(incoming(name)).toEqual([taken]);
    expect((await scene.carryOut(name))?.added).toHaveLength(1);
  });

  it('cannot take the id of another, nor one that is no UUID', async () => {
    const name = await scene.repository();
    const id = await scene.upload(name, { name: 'a', version: '1' });
    await expect(scene.engine().receive(name, stream(Buffer.from('other')), { id, fileName: 'b.rpm', by, sha256: sha256('other') })).rejects.toMatchObject({ code: 'idempotency-conflict' });
    await expect(scene.engine().receive(name, stream(Buffer.from('other')), { id: '../../etc', fileName: 'b.rpm', by })).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

describe('an inspection', () => {
  it('refuses a change by all of its packages that are no good, and names them', async () => {
    const name = await scene.repository();
    const bad = await Promise.all(['one', 'two'].map(async (text) => (await scene.engine().receive(name, stream(Buffer.from(text)), { id: randomUUID(), fileName: `${text}.rpm`, by })).id));
    const change = await scene.request(name, { kind: 'publish', uploads: [...bad, await scene.upload(name, { name: 'good', version: '1' })], contents: [], origin: {} });
    const refused = scene.engine().inspect(change, options);
    await expect(refused).rejects.toMatchObject({ code: 'package-invalid', message: expect.stringContaining('2 of 3 packages') });
    const { details } = (await refused.catch((error: unknown) => error)) as MillraceError;
    expect(details?.map((detail) => (detail as { file: string }).file).sort()).toEqual(['one.rpm', 'two.rpm']);
  });

  it('brings content that Millrace has elsewhere, once, and believes nobody\'s digest', async () => {
    const name = await scene.repository();
    const content = linePackage('a', '1');
    const change = await scene.request(name, { kind: 'publish', uploads: [], contents: [{ sha256: sha256(content), from: { session: 'abc' } }], origin: {} });
    const serving = (bytes: Buffer) => ({ open: () => Promise.resolve({ fileName: 'a.rpm', size: bytes.length, content: stream(bytes) }) });
    await expect(scene.engine(undefined, { sources: serving(Buffer.from('other')) }).inspect(change, options)).rejects.toMatchObject({ code: 'digest-mismatch' });
    let opened = 0;
    const engine = scene.engine(undefined, { sources: { open: () => ((opened += 1), serving(content).open()) } });
    await engine.inspect(change, options);
    await engine.inspect(change, options);
    expect(opened).toBe(1);
    await scene.carryOut(name);
    expect((await scene.reads().change(change.id)).outcome).toMatchObject({ added: ['a-1.rpm'] });
  });

  it('closes content that it has not begun to read', async () => {
    const name = await scene.repository();
    const change = await scene.request(name, { kind: 'publish', uploads: [], contents: [{ sha256: 'a'.repeat(64), from: { compose: 7 } }], origin: {} });
    const content = Readable.from([Buffer.alloc(10)]);
    const sources = { open: () => Promise.resolve({ fileName: 'a.rpm', size: 10, content }) };
    await expect(scene.engine(undefined, { sources, packageBytes: 9 }).inspect(change, options)).rejects.toMatchObject({ code: 'payload-too-large' });
    expect(content.destroyed).toBe(true);
    let closed = 0;
    const generator = Object.assign(stream(Buffer.alloc(10)) as AsyncGenerator<Buffer>, { return: async () => ((closed += 1), { done: true as const, value: undefined }) });
    const others = { open: () => Promise.resolve({ fileName: 'a.rpm', size: 10, content: generator }) };
    await expect(scene.engine(undefined, { sources: others, packageBytes: 9 }).inspect(change, options)).rejects.toMatchObject({ code: 'payload-too-large' });
    expect(closed).toBe(1);
  });

  it('goes on after a crash between an upload\'s arrival and its record', async () => {
    const name = await scene.repository();
    const content = linePackage('a', '1');
    const change = await scene.request(name, { kind: 'publish', uploads: [], contents: [{ sha256: sha256(content), from: { session: 'abc' } }], origin: {} });
    const sources = { open: () => Promise.resolve({ fileName: 'a.rpm', size: content.length, content: stream(content) }) };
    const killed = scene.engine((folder) => breakingStore(scene.placeOf(folder), { at: 2, after: true }).store, { sources });
    await expect(killed.inspect(change, options)).rejects.toThrow('killed');
    expect(incoming(name)).toHaveLength(1);
    await scene.engine(undefined, { sources }).inspect(change, options);
    expect((await scene.reads().change(change.id)).phase).toBe('inspected');
  });

  it('says that a package is no good which an upload is not any more', async () => {
    const name = await scene.repository();
    const upload = await scene.upload(name, { name: 'a', version: '1' });
    const change = await scene.request(name, { kind: 'publish', uploads: [upload], contents: [], origin: {} });
    await scene.placeOf(name).remove([`.incoming/${upload}`]);
    await expect(scene.engine().inspect(change, options)).rejects.toMatchObject({ code: 'package-invalid', message: expect.stringContaining('upload it again') });
  });

  it('leaves a change as it is while what it asks is away', async () => {
    const name = await scene.repository();
    await scene.publishing(name, ['a', '1']);
    const [change] = await scene.reads().waiting(name, 1);
    const away = { ...lineFormat, inspect: () => Promise.reject(new MillraceError('signing-unavailable', 'the keys are away')) };
    await expect(scene.engine(undefined, { formats: { haiku: away, rpm: away, deb: away } }).inspect(change!, options)).rejects.toMatchObject({ code: 'signing-unavailable' });
  });
});

describe('the bytes of a package', () => {
  it('cost a request for a header and one for an end, whatever is read of them', async () => {
    const store = scene.placeOf('bytes');
    const content = Buffer.alloc(1024 * 1024, 'x').fill('head', 0, 4).fill('tail', 1024 * 1024 - 4);
    await store.put('large', content);
    const counted = breakingStore(store);
    const bytes = (await openPackageBytes(counted.store, 'large', options.signal))!;
    expect([(await bytes.read(0, 4)).toString(), (await bytes.read(100, 1000)).length, (await bytes.read(content.length - 4, 4)).toString(), (await bytes.read(0, 2)).toString()]).toEqual(['head', 1000, 'tail', 'he']);
    expect(counted.calls.filter((call) => call.startsWith('get'))).toHaveLength(2);
  });

  it.each([
    [-1, 4],
    [0, 11],
    [10, 1],
    [0.5, 1],
    [0, Number.MAX_SAFE_INTEGER],
    [Number.NaN, 1],
  ])('are not read beyond their end: %d, %d', async (offset, length) => {
    const store = scene.placeOf('bytes');
    await store.put('small', Buffer.from('0123456789'));
    const bytes = (await openPackageBytes(store, 'small', options.signal))!;
    await expect(bytes.read(offset, length)).rejects.toMatchObject({ code: 'package-invalid' });
  });
});
