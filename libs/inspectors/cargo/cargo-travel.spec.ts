import { describe, expect, it } from '@jest/globals';
import type { Inspection } from '../../inspection/inspection.js';
import { createConsultingContext, oldTime, sampleLimit, youngTime } from '../declarations/__fixtures__/consulting-context.js';
import { createRequest, inspect } from '../__fixtures__/exchange.js';
import { buildCrate, indexLine, sampleManifest } from './__fixtures__/sample-crate.js';

const agent = { 'user-agent': 'cargo/1.95.0 (f2d3ce0bd 2026-03-21)', accept: '*/*' };
const index = 'https://index.example:443/base/';
const fileUrl = `${index}mi/ll/millrace_sample`;
const crateUrl = 'https://crates.example/api/v1/crates/Millrace_sample/1.0.0+build.1/download';
const sample = buildCrate();
const configuration = { cargo: { indexes: ['sparse+https://index.example/base/'] } };
type Options = Parameters<typeof createConsultingContext>[0];

async function judge(options: Options, bytes = sample): Promise<Inspection | undefined> {
  return (await inspect(createRequest(crateUrl, agent), { bytes }, createConsultingContext(options).context)).inspections['cargo.crate'];
}

describe('a crate of a Cargo.lock', () => {
  it('is judged by the configured index', async () => {
    const { context, asked } = createConsultingContext({ configuration, answers: { [fileUrl]: indexLine(sample, { pubtime: '2024-05-01T00:00:00Z' }) } });
    expect(await inspect(createRequest(crateUrl, agent), { bytes: sample }, context)).toMatchObject({ verdict: 'Approved', metadata: { published: oldTime } });
    expect(asked).toEqual([`text/plain ${fileUrl}`]);
  });

  it('is judged by an index whose config.json the session has seen', async () => {
    const { context } = createConsultingContext({ answers: { [fileUrl]: indexLine(sample) } });
    await inspect(createRequest(`${index}config.json`, agent), { bytes: Buffer.from('{"dl":"https://crates.example/api/v1/crates"}') }, context);
    expect((await inspect(createRequest(crateUrl, agent), { bytes: sample }, context)).verdict).toBe('Approved');
  });

  it('is judged by the index that has it when two have a crate of that name', async () => {
    const second = 'https://second.example:443/';
    const other = indexLine(buildCrate([], `${sampleManifest}#`));
    const both = { cargo: { indexes: [second, index] } };
    expect(await judge({ configuration: both, answers: { [fileUrl]: indexLine(sample), [`${second}mi/ll/millrace_sample`]: other } })).toMatchObject({ opinion: 'Approved' });
  });

  it('is refused when it differs, and Unknown with advice when no index is known', async () => {
    const answers = { [fileUrl]: indexLine(sample) };
    expect(await judge({ configuration, answers }, buildCrate([], `${sampleManifest}#`))).toMatchObject({ opinion: 'Rejected' });
    expect(await judge({ answers })).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('"cargo.indexes" of the inspectors configuration') });
    expect(await judge({ configuration: { cargo: { indexes: [''] } } })).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('"cargo.indexes"') });
  });
});

describe('what a limit of time hides', () => {
  const old = indexLine(sample, { vers: '0.9.0', pubtime: '2024-05-01T00:00:00Z' });
  const young = indexLine(sample, { pubtime: '2025-06-01T00:00:00Z' });
  const timeless = indexLine(sample, { vers: '0.1.0' });
  const hear = async (lines: string) =>
    inspect(createRequest(fileUrl, agent), { bytes: Buffer.from(lines) }, createConsultingContext({ limit: sampleLimit }).context);

  it('is taken from the index file, line by line', async () => {
    expect(await hear(old)).not.toHaveProperty('replacement');
    expect(await hear(timeless + old + young)).toMatchObject({ verdict: 'Approved', replacement: { bytes: Buffer.from(old), reason: '2 of 3 releases hidden by as-of 2025-01-01T00:00:00Z' } });
    expect((await hear(timeless)).inspections['cargo.index']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('tells no publication times') });
  });

  it('is refused as a crate, with both times', async () => {
    expect(await judge({ configuration, limit: sampleLimit, answers: { [fileUrl]: young } })).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining(`was published at ${youngTime}, after 2025`) });
    expect(await judge({ configuration, limit: sampleLimit, answers: { [fileUrl]: indexLine(sample, { pubtime: oldTime }) } })).toMatchObject({ opinion: 'Approved' });
  });
});
