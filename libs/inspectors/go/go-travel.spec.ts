import { describe, expect, it } from '@jest/globals';
import { buildZip } from '../__fixtures__/build-zip.js';
import { createRequest, inspect } from '../__fixtures__/exchange.js';
import { createConsultingContext, oldTime, sampleLimit, youngTime } from '../declarations/__fixtures__/consulting-context.js';
import { createChecksumDatabase, type RecordedModule } from './__fixtures__/checksum-database.js';

const sample: RecordedModule = { module: 'mods.test/Sample', version: 'v1.2.0', files: { 'go.mod': 'module mods.test/Sample\n', 'x.go': 'package x\n' } };
const database = createChecksumDatabase('sums.example', [sample]);
const proxy = 'https://proxy.example:443/go';
const module = `${proxy}/mods.test/!sample`;
const goMod = sample.files['go.mod'] as string;
const configuration = { go: { sumdb: database.verifierKey } };
const paths = ['/lookup/mods.test/!sample@v1.2.0', '/tile/8/0/001.p/46', '/tile/8/0/000', '/tile/8/1/000.p/1'];

function zip(files: Readonly<Record<string, string>> = sample.files): Buffer {
  return buildZip(Object.entries(files).map(([name, content]) => ({ name: `${sample.module}@${sample.version}/${name}`, content })));
}

/** What the database answers below a URL. */
function databaseAt(base: string): Record<string, Buffer> {
  return Object.fromEntries(paths.map((path) => [base + path, database.answer(path.replace('!s', 'S')) as Buffer]));
}

const through = databaseAt(`${proxy}/sumdb/sums.example`);
const direct = databaseAt('https://sums.example');
type Options = Parameters<typeof createConsultingContext>[0];

async function hear(path: string, bytes: Buffer | string, options: Options) {
  const { context, asked } = createConsultingContext(options);
  const result = await inspect(createRequest(module + path, { 'user-agent': 'Go-http-client/1.1' }), { bytes: Buffer.from(bytes) }, context);
  return { ...result, asked, reason: Object.values(result.inspections)[0]?.reason ?? '', opinion: Object.values(result.inspections)[0]?.opinion };
}

describe('a module that go.sum has', () => {
  it.each([
    ['through its proxy', through],
    ['directly, when the proxy does not serve it', direct],
  ])('is proved to be in the database, which is asked %s', async (_case, answers) => {
    expect(await hear('/@v/v1.2.0.zip', zip(), { configuration, answers })).toMatchObject({ verdict: 'Approved', reason: 'valid Go module, its hash is in the signed checksum database' });
    expect(await hear('/@v/v1.2.0.mod', goMod, { configuration, answers })).toMatchObject({ verdict: 'Approved', reason: 'valid go.mod, its hash is what the checksum database answered' });
    expect((await hear('/@v/v1.2.0.zip', zip({ ...sample.files, 'x.go': 'package y\n' }), { configuration, answers })).reason).toContain('is not the one that the checksum database has');
    expect((await hear('/@v/v1.2.0.mod', `${goMod}// x\n`, { configuration, answers })).reason).toContain('is not the one that the checksum database has');
  });

  it('is proved by whole tiles where the database keeps no parts', async () => {
    const { [`${proxy}/sumdb/sums.example/tile/8/1/000.p/1`]: part, ...others } = through;
    expect((await hear('/@v/v1.2.0.zip', zip(), { configuration, answers: others })).reason).toContain('could not be had');
    const { asked } = await hear('/@v/v1.2.0.zip', zip(), { configuration, answers: others });
    expect(part).toHaveLength(32);
    expect(asked).toContain(`* ${proxy}/sumdb/sums.example/tile/8/1/000`);
  });

  it('stays Unknown with advice without a key, when it is private, and when the database does not tell', async () => {
    const reasonFor = async (options: Options) => {
      const { opinion, reason, asked } = await hear('/@v/v1.2.0.zip', zip(), options);
      expect(opinion).toBe('Unknown');
      return { reason, asked };
    };
    expect(await reasonFor({})).toEqual({ reason: expect.stringContaining('"go.sumdb" of the inspectors configuration'), asked: [] });
    for (const nosumdb of ['x.test,mods.test', 'mods.*/S?mple']) expect(await reasonFor({ configuration: { go: { ...configuration.go, nosumdb } } })).toEqual({ reason: expect.stringContaining('"go.nosumdb"'), asked: [] });
    const silent = await reasonFor({ configuration: { go: { ...configuration.go, nosumdb: 'mods.test/Other,test' } } });
    expect(silent).toEqual({ reason: expect.stringContaining('no checksum database told of'), asked: [`* ${proxy}/sumdb/sums.example${paths[0]}`, `* https://sums.example${paths[0]}`] });
  });

  it('is not approved by a database that answers with a signature of another', async () => {
    const twin = createChecksumDatabase('sums.example', [sample]);
    expect((await hear('/@v/v1.2.0.zip', zip(), { configuration: { go: { sumdb: twin.verifierKey } }, answers: through })).opinion).toBe('Unknown');
  });
});

describe('what a limit of time hides', () => {
  const info = (version: string, time: string): Record<string, string> => ({ [`${module}/@v/${version}.info`]: JSON.stringify({ Version: version, Time: time }) });

  it('is taken from the list of versions, whose times are asked for', async () => {
    const answers = { ...info('v1.0.0', oldTime), ...info('v1.1.0', youngTime) };
    const { replacement, asked } = await hear('/@v/list', 'v1.0.0\nv1.1.0\nv1.2.0\nv0.1.0 2020-01-01T00:00:00Z\n', { limit: sampleLimit, answers });
    expect(replacement).toEqual({
      bytes: Buffer.from('v1.0.0\nv0.1.0 2020-01-01T00:00:00Z\n'),
      reason: '2 of 4 versions hidden by as-of 2025-01-01T00:00:00Z, 1 of them because their time is not known (at most 200 are asked for)',
    });
    expect(asked).toEqual(['v1.2.0', 'v1.1.0', 'v1.0.0'].map((version) => `* ${module}/@v/${version}.info`));
  });

  it('asks for the newest of very many only', async () => {
    const lines = Array.from({ length: 300 }, (_item, minor) => `v1.${minor}.0`);
    const { asked, replacement } = await hear('/@v/list', lines.join('\n'), { limit: sampleLimit });
    expect(asked).toHaveLength(200);
    expect(asked[0]).toContain('v1.299.0');
    expect(replacement?.bytes).toHaveLength(0);
  });

  it.each(['.info', '.mod', '.zip'])('is refused as %s, with both times', async (kind) => {
    const bytes = { '.info': JSON.stringify({ Version: 'v1.2.0', Time: youngTime }), '.mod': goMod, '.zip': zip() }[kind] as string | Buffer;
    const young = await hear(`/@v/v1.2.0${kind}`, bytes, { limit: sampleLimit, configuration, answers: { ...through, ...info('v1.2.0', youngTime) } });
    expect(young).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining(`mods.test/Sample@v1.2.0 was published at ${youngTime}, after 2025`) });
    expect(young.metadata.published).toBe(youngTime);
  });

  it('is not a release that is old enough', async () => {
    expect(await hear('/@v/v1.2.0.zip', zip(), { limit: sampleLimit, configuration, answers: { ...through, ...info('v1.2.0', oldTime) } })).toMatchObject({ verdict: 'Approved', metadata: { published: oldTime } });
    expect((await hear('/@v/v1.2.0.zip', zip(), { limit: sampleLimit, configuration, answers: through })).reason).toContain('no index of this session tells when');
  });
});
