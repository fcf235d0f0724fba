import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { FuzzTarget } from '../../../testing/fuzz-target.js';
import { isMillraceError } from '../../../errors/millrace-error.js';
import type { InspectionContext } from '../../../inspection/inspector.js';
import { createRequest } from '../../__fixtures__/exchange.js';
import { inspectorTarget } from '../../__fixtures__/inspector-target.js';
import { appendingDelta, commit, entry, fetchAnswer, fetchRequest, object, ofsDelta, pack, packetLine, refDelta, tag, tree } from '../__fixtures__/build-pack.js';
import { recordedClients, requestOf } from '../__fixtures__/recorded-clients.js';
import { scanTree } from '../git-objects.js';
import { gitArchiveInspector } from '../git-archive-inspector.js';
import { gitUploadPackInspector } from '../git-upload-pack-inspector.js';
import { rememberRefs } from '../known-refs.js';
import { createPackCollector } from '../pack-bytes.js';
import { applyDelta } from '../pack-delta.js';
import { packLimits } from '../pack-limits.js';
import { readPack } from '../pack-reader.js';
import { readAdvertisement, readLsRefs } from '../ref-listing.js';
import { readUploadPackRequest } from '../upload-pack-request.js';

const readme = object('blob', 'A mill\n');
const root = tree([['100644', 'README', readme.id]]);
const tip = commit(root.id);
const delta = appendingDelta(readme.content, 'and more\n');
const packs = [pack([tip, root, readme, tag(tip)].map(entry)), pack([entry(readme), ofsDelta(entry(readme).length, delta), refDelta(readme.id, delta)])];
const chunks = (input: Buffer): AsyncIterator<Buffer> => Readable.from([input])[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
const recorded = Object.values(recordedClients).flat();
const answersTo = (end: string): Buffer[] => recorded.filter(({ path }) => path.endsWith(end)).map(({ response }) => Buffer.from(response, 'base64'));

const packTarget: FuzzTarget = {
  name: 'git.pack',
  seeds: () => packs,
  async run(input) {
    const collector = createPackCollector(undefined, 'sha1');
    collector.add(input, 0);
    const bytes = await collector.finish();
    // Else no change comes further than the checksum.
    await readPack({ ...bytes, checksumHolds: true }, { format: 'sha1', limits: { ...packLimits, objectBytes: 4 * 1024 * 1024 }, visit: () => undefined, externalBases: () => Promise.resolve(new Map()) });
  },
};

const deltaTarget: FuzzTarget = {
  name: 'git.delta',
  seeds: () => [delta],
  async run(input) {
    applyDelta(readme.content, input, 1024 * 1024);
  },
};

const treeTarget: FuzzTarget = {
  name: 'git.tree',
  seeds: () => [root.content],
  async run(input) {
    scanTree(input, 'sha1', () => undefined);
  },
};

const refsTarget: FuzzTarget = {
  name: 'git.refs',
  seeds: () => [...answersTo('info/refs?service=git-upload-pack'), packetLine(`${tip.id} HEAD symref-target:refs/heads/main\n`)],
  async run(input) {
    await readAdvertisement(chunks(input)).catch((error: unknown) => {
      if (!isMillraceError(error)) throw error;
      return readLsRefs(chunks(input));
    });
  },
};

const requestTarget: FuzzTarget = {
  name: 'git.request',
  seeds: () => [fetchRequest([tip.id], ['deepen 1', `have ${tip.id}`]), ...recorded.flatMap(({ request, headers }) => (request === undefined || headers['content-encoding'] !== undefined ? [] : [Buffer.from(request, 'base64')]))],
  async run(input) {
    await readUploadPackRequest(createRequest('https://git.example/mill.git/git-upload-pack', {}, 'POST'), input);
  },
};

const fetch = recorded.find(({ path, headers }) => path.endsWith('git-upload-pack') && headers['git-protocol'] === undefined);
const prepare = (context: InspectionContext): Promise<void> => rememberRefs(context.knowledge, 'https://git.example:443/mill.git', [{ id: tip.id, name: 'HEAD' }]).then(() => undefined);
const answers = [
  inspectorTarget(gitUploadPackInspector, {
    request: { ...createRequest('https://git.example/mill.git/git-upload-pack', {}, 'POST'), body: fetchRequest([tip.id]) },
    seeds: () => [fetchAnswer(packs[0] as Buffer), fetchAnswer(packs[1] as Buffer, { shallow: [tip.id], piece: 20 })],
    prepare,
  }),
  ...(fetch === undefined ? [] : [{ ...inspectorTarget(gitUploadPackInspector, { request: requestOf(fetch), seeds: () => [Buffer.from(fetch.response, 'base64')] }), name: 'git.upload-pack.v0' }]),
];

const archive = inspectorTarget(gitArchiveInspector, {
  request: createRequest('https://forge.example/mills/mill/archive/refs/tags/v1.0.0.tar.gz'),
  seeds: () => ['tar.gz', 'zip'].map((ending) => readFileSync(new URL(`../__fixtures__/mill-1.0.0.${ending}`, import.meta.url))),
});

export const targets = [archive, packTarget, deltaTarget, treeTarget, refsTarget, requestTarget, ...answers];
