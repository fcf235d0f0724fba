import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createInspectedBody } from '../../inspection/inspected-body.js';
import type { InspectionContext } from '../../inspection/inspector.js';
import type { ResponseInspectionResult } from '../../inspection/response-inspection.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { appendingDelta, commit, entry, fetchAnswer, fetchRequest, flush, object, ofsDelta, pack, packetLine, refDelta, tag, tree, type SampleObject } from './__fixtures__/build-pack.js';
import { gitUploadPackInspector } from './git-upload-pack-inspector.js';
import { recordedClients, replay, requestOf } from './__fixtures__/recorded-clients.js';

const repository = 'https://git.example/mill.git';
const readme = object('blob', 'A mill\n');
const root = tree([['100644', 'README', readme.id]]);
const tip = commit(root.id);
const sound = [tip, root, readme];

function packOf(objects: readonly SampleObject[]): Buffer {
  return pack(objects.map(entry));
}

async function list(context: InspectionContext, refs: Readonly<Record<string, string>>, at = repository): Promise<ResponseInspectionResult> {
  const lines = Object.entries(refs).map(([name, id]) => packetLine(`${id} ${name}\n`));
  const request = { ...createRequest(`${at}/git-upload-pack`, {}, 'POST'), body: Buffer.concat([packetLine('command=ls-refs\n'), flush]) };
  return inspect(request, { bytes: Buffer.concat([...lines, flush]) }, context);
}

interface Fetch {
  readonly wants?: readonly string[];
  readonly lines?: readonly string[];
  readonly answer?: Buffer;
  readonly context?: InspectionContext;
  readonly at?: string;
}

async function fetch({ wants = [tip.id], lines = [], answer = fetchAnswer(packOf(sound)), context = createContext(), at = repository }: Fetch): Promise<string> {
  const request = { ...createRequest(`${at}/git-upload-pack`, {}, 'POST'), body: fetchRequest(wants, lines) };
  const { inspections } = await inspect(request, { bytes: answer }, context);
  const { opinion, reason } = inspections['git.upload-pack'] ?? {};
  return `${opinion}: ${reason}`;
}

async function afterListing(refs: Readonly<Record<string, string>> = { HEAD: tip.id }): Promise<InspectionContext> {
  const context = createContext();
  expect((await list(context, refs)).verdict).toBe('Approved');
  return context;
}

const { 'commit by its id': byId = [], ...others } = recordedClients;

describe('what git 2.39 fetches', () => {
  it.each(Object.keys(others))('is approved: %s', async (name) => {
    const results = await replay(others[name] ?? [], createContext());
    expect(results.length).toBeGreaterThan(1);
    expect(results.map(({ verdict, inspections }) => [verdict, inspections])).toEqual(results.map(() => ['Approved', expect.anything()]));
  });

  it('is described by the commit that HEAD stands for', async () => {
    const results = await replay(others['repository of SHA-256'] ?? [], createContext());
    expect(results.map(({ metadata }) => metadata.type)).toEqual([
      'application/x.git.upload-pack-advertisement',
      'application/x.git.upload-pack-result.ls-ref',
      'application/x.git.upload-pack-result.fetch',
    ]);
    const { metadata, inspections } = results[2] as ResponseInspectionResult;
    expect(metadata).toMatchObject({ name: 'sha256', version: expect.stringMatching(/^[0-9a-f]{64}$/), author: 'Mill', authorEmail: 'mill@x.test', description: 'With SHA-256' });
    expect(metadata.purl).toBe(`pkg:generic/sha256@${metadata.version}?vcs_url=git%2Bhttps://git.example/sha256.git%40${metadata.version}`);
    expect(inspections['git.upload-pack']?.annotations).toMatchObject({ objects: 3, refs: ['HEAD', 'refs/heads/main'], 'object-format': 'sha256' });
  });

  it('is Unknown when a commit was asked for by an id that no ref has, unless the configuration allows it', async () => {
    const [, , last] = await replay(byId, createContext());
    const id = /is ([0-9a-f]{40}),/.exec(last?.inspections['git.upload-pack']?.reason ?? '')?.[1] ?? '';
    expect(last?.inspections['git.upload-pack']).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('fetch the branch or tag that holds it') });
    const allowed = await replay(byId, { ...createContext(), configuration: { git: { commits: [id] } } });
    expect(allowed.at(-1)?.verdict).toBe('Approved');
  });

  it('is Unknown when the client builds on a clone that this session has not seen', async () => {
    for (const name of ['incremental fetch', 'incremental fetch, protocol 0']) {
      const [last] = (await replay((others[name] ?? []).slice(-1), await afterListing())).slice(-1);
      expect(last?.inspections['git.upload-pack']).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('let git clone the repository through the proxy') });
    }
  });

  it('is never approved when a byte of the objects was changed', async () => {
    const exchanges = others['full clone, protocol 2'] ?? [];
    const bytes = Buffer.from(exchanges[2]?.response ?? '', 'base64');
    const from = bytes.indexOf('PACK');
    const context = createContext();
    await replay(exchanges.slice(0, 2), context);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: from, max: bytes.length - 5 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ change;
        const { inspections } = await inspect(requestOf(exchanges[2] as never), { bytes: changed }, context);
        const { opinion, reason } = inspections['git.upload-pack'] ?? {};
        expect(`${opinion}: ${reason}`).toMatch(/^Rejected: (?!the inspection failed)/);
      }),
      { numRuns: 200 },
    );
  });
});

describe('git.upload-pack', () => {
  it('approves a commit that a ref of the session names, with all that hangs on it', async () => {
    expect(await fetch({ context: await afterListing() })).toBe('Approved: valid git fetch');
    expect(await fetch({})).toMatch(/^Unknown: the objects are sound, but no ref/);
    // What one repository lists says nothing of another.
    expect(await fetch({ context: await afterListing(), at: 'https://git.example/other.git' })).toMatch(/^Unknown: /);
  });

  it('reads gzipped requests, annotated tags, wanted refs, and a pack in pieces of a byte', async () => {
    const context = await afterListing({ 'refs/tags/v1.0.0': tag(tip).id });
    const answer = fetchAnswer(packOf([tag(tip), ...sound]), { piece: 1 });
    expect(await fetch({ wants: [tag(tip).id], answer, context })).toBe('Approved: valid git fetch');
    const gzipped = { ...createRequest(`${repository}/git-upload-pack`, { 'content-encoding': 'gzip' }, 'POST'), body: gzipSync(fetchRequest([tag(tip).id])) };
    expect((await inspect(gzipped, { bytes: answer }, context)).verdict).toBe('Approved');
    expect(await fetch({ wants: [], lines: ['want-ref refs/heads/main'], answer: fetchAnswer(packOf(sound), { wantedRefs: [`${tip.id} refs/heads/main`] }) })).toBe('Approved: valid git fetch');
  });

  it('takes an answer with a content coding', async () => {
    const request = { ...createRequest(`${repository}/git-upload-pack`, {}, 'POST'), body: fetchRequest([tip.id]) };
    const result = await inspect(request, { bytes: gzipSync(fetchAnswer(packOf(sound))), headers: { 'content-encoding': 'gzip' } }, await afterListing());
    expect(result.verdict).toBe('Approved');
  });

  it('takes an answer that lies in a file', async () => {
    const home = mkdtempSync(path.join(tmpdir(), 'millrace-git-'));
    const answer = fetchAnswer(packOf(sound), { piece: 30 });
    const file = path.join(home, 'answer');
    writeFileSync(file, answer);
    const body = createInspectedBody({ file, head: answer, digests: { sha1: '', sha256: 'x', size: answer.length }, contentEncoding: '' });
    const request = { ...createRequest(`${repository}/git-upload-pack`, {}, 'POST'), body: fetchRequest([tip.id]) };
    const opinion = await gitUploadPackInspector.inspectResponse(request, { status: 200, header: () => undefined }, body, await afterListing());
    rmSync(home, { recursive: true });
    expect(opinion).toMatchObject({ opinion: 'Approved', metadata: { version: tip.id, author: 'Mill' } });
  });

  it('takes a pack of version 0 that comes without bands', async () => {
    const body = Buffer.concat([packetLine(`want ${tip.id} ofs-delta\n`), flush, packetLine('done\n')]);
    const request = { ...createRequest(`${repository}/git-upload-pack`, {}, 'POST'), body };
    const opinions: string[] = [];
    for (const bytes of [packOf(sound), packOf([tip, root]), packOf(sound).subarray(0, -5)]) {
      const { inspections } = await inspect(request, { bytes: Buffer.concat([packetLine('NAK\n'), bytes]) }, await afterListing());
      opinions.push(`${inspections['git.upload-pack']?.opinion}: ${inspections['git.upload-pack']?.reason.slice(0, 30)}`);
    }
    expect(opinions).toEqual(['Approved: valid git fetch', 'Rejected: the pack is incomplete: it lea', expect.stringMatching(/^Rejected: the pack is/)]);
  });

  it('rejects another commit than the wanted one, and a pack that leaves something out', async () => {
    const context = await afterListing();
    const other = commit(root.id, [], 'Another commit');
    expect(await fetch({ context, answer: fetchAnswer(packOf([other, root, readme])) })).toBe(
      `Rejected: the server sent something else than the wanted object ${tip.id}: no object of the pack has this id`,
    );
    expect(await fetch({ context, answer: fetchAnswer(packOf([tip, root])) })).toBe(`Rejected: the pack is incomplete: it leaves out the blob ${readme.id}`);
    expect(await fetch({ context, answer: fetchAnswer(packOf([tip])) })).toBe(`Rejected: the pack is incomplete: it leaves out the tree ${root.id}`);
    const changed = object('blob', 'A mull\n');
    expect(await fetch({ context, answer: fetchAnswer(packOf([tip, root, changed])) })).toBe(`Rejected: the pack is incomplete: it leaves out the blob ${readme.id}`);
  });

  it('wants the parents of a commit, unless the history is cut there', async () => {
    const child = commit(root.id, [tip.id], 'A child');
    const context = await afterListing({ HEAD: child.id });
    const answer = packOf([child, root, readme]);
    expect(await fetch({ context, wants: [child.id], answer: fetchAnswer(answer) })).toBe(`Rejected: the pack is incomplete: it leaves out the commit ${tip.id}`);
    expect(await fetch({ context, wants: [child.id], lines: ['deepen 1'], answer: fetchAnswer(answer, { shallow: [child.id] }) })).toBe('Approved: valid git fetch');
  });

  it('takes from earlier fetches of the session what a later one leaves out, and what it is a delta upon', async () => {
    const context = await afterListing();
    await fetch({ context });
    const longer = object('blob', 'A mill\nwith a wheel\n');
    const newRoot = tree([['100644', 'README', longer.id], ['100644', 'OLD', readme.id]]);
    const child = commit(newRoot.id, [tip.id], 'A child');
    await list(context, { HEAD: child.id });
    const later = { wants: [child.id], lines: [`have ${tip.id}`], answer: fetchAnswer(pack([entry(child), entry(newRoot), refDelta(readme.id, appendingDelta(readme.content, 'with a wheel\n'))])) };
    expect(await fetch({ context, ...later })).toBe('Approved: valid git fetch');
    const fresh = await afterListing({ HEAD: child.id });
    expect(await fetch({ context: fresh, ...later })).toMatch(/^Unknown: the ids of 1 objects cannot be told, .* of commit .* did not get in this session: delete the clone/);
    expect(await fetch({ context: fresh, ...later, lines: [] })).toMatch(/^Rejected: the pack has 1 deltas upon objects that are not in it/);
  });

  it('lets a partial clone ask later for what it left out, and a submodule for the commit that a tree names', async () => {
    const context = await afterListing();
    expect(await fetch({ context, lines: ['filter blob:none'], answer: fetchAnswer(packOf([tip, root])) })).toMatch(/^Approved: valid git fetch, objects left out/);
    expect(await fetch({ context, wants: [readme.id], lines: ['filter blob:none'], answer: fetchAnswer(packOf([readme])) })).toMatch(/^Approved/);
    expect(await fetch({ context: await afterListing(), lines: ['filter blob:none'], answer: fetchAnswer(packOf([tip])) })).toMatch(/^Rejected: .*leaves out the tree/);
    const outer = tree([['160000', 'mill', tip.id]]);
    const outerTip = commit(outer.id);
    const at = 'https://git.example/outer.git';
    await list(context, { HEAD: outerTip.id }, at);
    expect(await fetch({ context, wants: [outerTip.id], at, answer: fetchAnswer(packOf([outerTip, outer])) })).toBe('Approved: valid git fetch');
    expect(await fetch({ context, at: 'https://elsewhere.example/mill' })).toBe('Approved: valid git fetch');
  });

  it('asks for what fetch-service asks for when git.urls is configured', async () => {
    const context = { ...(await afterListing()), configuration: { git: { urls: ['https://git.example:443/**'] } } };
    expect(await fetch({ context, lines: ['deepen 1'] })).toBe('Approved: valid git fetch');
    expect(await fetch({ context })).toBe('Rejected: fetch is only allowed with depth 1');
    expect(await fetch({ context, lines: ['deepen 1'], wants: [tip.id, root.id] })).toBe('Rejected: fetch is allowed only on a single ref');
    const elsewhere = await inspect(createRequest('https://other.example/x.git/git-upload-pack', {}, 'POST'), { bytes: Buffer.alloc(0) }, context);
    expect(elsewhere.verdict).toBe('Rejected');
    const asked = await inspect(createRequest('https://other.example/x.git/info/refs?service=git-upload-pack'), { bytes: Buffer.alloc(0) }, context);
    expect(asked.verdict).toBe('Rejected');
  });

  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'truncated'],
    ['a page of HTML', Buffer.from('<html></html>'), 'a packet has no length'],
    ['a packet that is cut off', fetchAnswer(packOf(sound)).subarray(0, 60), 'truncated'],
    ['no end', fetchAnswer(packOf(sound)).subarray(0, -4), 'truncated'],
    ['data after its end', Buffer.concat([fetchAnswer(packOf(sound)), Buffer.from('x')]), 'data after its end'],
    ['an error of the server', packetLine('ERR upload-pack: not our ref'), 'the git server answers with an error: upload-pack: not our ref'],
    ['an error in band 3', Buffer.concat([packetLine('packfile\n'), packetLine('\u0003out of memory\n'), flush]), 'answers with an error: out of memory'],
    ['an unknown band', Buffer.concat([packetLine('packfile\n'), packetLine('\u0007x'), flush]), 'unknown band'],
    ['an unknown section', Buffer.concat([packetLine('surprise\n'), packetLine('x'), flush]), 'unknown section'],
    ['a pack from elsewhere', Buffer.concat([packetLine('packfile-uris\n'), packetLine(`${tip.id} https://x.example/p`), flush]), 'packfile-uris'],
    ['a shallow line that is none', Buffer.concat([packetLine('shallow-info\n'), packetLine('shallow x\n'), flush]), 'no sha1 id'],
    ['no pack in the packfile', fetchAnswer(Buffer.from('JUNK'.repeat(20))), 'no pack where one must be'],
    ['a wrong checksum', fetchAnswer(pack(sound.map(entry), { trailer: Buffer.alloc(20) })), 'checksum'],
    ['fewer objects than it says', fetchAnswer(pack(sound.map(entry), { count: 4 })), 'pack'],
    ['more objects than it says', fetchAnswer(pack(sound.map(entry), { count: 2 })), 'data after its last object'],
  ])('rejects an answer with %s', async (_case, answer, reason) => {
    const said = await fetch({ context: await afterListing(), answer });
    expect(said).toMatch(/^Rejected: (?!the inspection failed)/);
    expect(said).toContain(reason);
  });

  it('rejects requests that are none and says Unknown about those it cannot see', async () => {
    const context = await afterListing();
    const answers: string[] = [];
    for (const body of [undefined, Buffer.from('x'), packetLine('want x'), flush, Buffer.concat([packetLine('command=object-info'), flush])]) {
      const request = createRequest(`${repository}/git-upload-pack`, {}, 'POST');
      const { inspections } = await inspect(body === undefined ? request : { ...request, body }, { bytes: fetchAnswer(packOf(sound)) }, context);
      answers.push(`${inspections['git.upload-pack']?.opinion}: ${inspections['git.upload-pack']?.reason.slice(0, 40)}`);
    }
    expect(answers).toEqual([
      'Unknown: what was asked of git is not known: the ',
      'Rejected: the git answer is truncated',
      'Rejected: the request names an object by something',
      'Rejected: the request asks git for nothing',
      "Unknown: git's command \"object-info\" is not known",
    ]);
  });

  it('approves the probe that git sends before a large request', async () => {
    const request = { ...createRequest(`${repository}/git-upload-pack`, {}, 'POST'), body: flush };
    expect((await inspect(request, { bytes: Buffer.alloc(0) }, createContext())).verdict).toBe('Approved');
    expect((await inspect(request, { bytes: flush }, createContext())).verdict).toBe('Rejected');
  });

  it('resolves deltas by distance and by id, also before their bases', async () => {
    const long = object('blob', 'A mill\nand more\n');
    const both = tree([['100644', 'A', readme.id], ['100644', 'B', long.id]]);
    const top = commit(both.id);
    const context = await afterListing({ HEAD: top.id });
    const delta = appendingDelta(readme.content, 'and more\n');
    const heads = [entry(top), entry(both)];
    for (const entries of [[...heads, entry(readme), ofsDelta(entry(readme).length, delta)], [...heads, refDelta(readme.id, delta), entry(readme)]])
      expect(await fetch({ context, wants: [top.id], answer: fetchAnswer(pack(entries)) })).toBe('Approved: valid git fetch');
  });
});

describe('git.smart-query', () => {
  const advertisement = (url: string, bytes: Buffer, agent = 'git/2.39.5') => inspect(createRequest(url, { 'user-agent': agent }), { bytes }, createContext());
  const infoRefs = `${repository}/info/refs?service=git-upload-pack`;
  const service = [packetLine('# service=git-upload-pack\n'), flush];

  it.each<[string, Buffer, string]>([
    ['the file of the dumb protocol', Buffer.from(`${tip.id}\trefs/heads/main\n`), 'dumb'],
    ['no capabilities', Buffer.concat([...service, packetLine(`${tip.id} HEAD\n`), flush]), 'no capabilities'],
    ['an id that is none', Buffer.concat([...service, packetLine('xyz HEAD\0x\n'), flush]), 'no id'],
    ['a name with a line break', Buffer.concat([...service, packetLine(`${tip.id} a\nb\0x\n`), flush]), 'no ref'],
    ['no end', Buffer.concat([...service, packetLine(`${tip.id} HEAD\0x\n`)]), 'truncated'],
    ['an error', packetLine('ERR Repository not found\n'), 'Repository not found'],
  ])('rejects an advertisement with %s', async (_case, bytes, reason) => {
    const { inspections } = await advertisement(infoRefs, bytes);
    expect(inspections['git.smart-query']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining(reason) });
  });

  it('takes an empty repository and version 2 with and without the name of the service', async () => {
    const empty = Buffer.concat([...service, packetLine(`${'0'.repeat(40)} capabilities^{}\0side-band-64k\n`), flush]);
    const two = [packetLine('version 2\n'), packetLine('ls-refs\n'), flush];
    for (const bytes of [empty, Buffer.concat(two), Buffer.concat([...service, ...two])]) expect((await advertisement(infoRefs, bytes)).verdict).toBe('Approved');
  });

  it('refuses the dumb protocol and pushes, and has no say on other requests', async () => {
    const { inspections } = await advertisement(`${repository}/objects/00/${'1'.repeat(38)}`, Buffer.alloc(0));
    expect(inspections['default']).toBeDefined();
    expect((await advertisement(`${repository}/info/refs`, Buffer.alloc(0))).verdict).toBe('Rejected');
    expect((await advertisement(`${repository}/info/refs?service=git-receive-pack`, Buffer.alloc(0))).verdict).toBe('Rejected');
    expect(Object.keys((await advertisement(`${repository}/info/refs`, Buffer.alloc(0), 'curl/8')).inspections)).toEqual(['default']);
  });
});
