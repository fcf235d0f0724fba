import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createConsultingContext, oldTime, sampleLimit, youngTime } from '../declarations/__fixtures__/consulting-context.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { sampleFile } from '../__fixtures__/sample-file.js';
import { hideYoungReleases } from './legacy-json.js';
import { pipSimpleIndexInspector } from './pip-simple-index-inspector.js';
import { hideYoungFiles } from './visible-page.js';

const pip = { 'user-agent': 'pip/24.0 {}', accept: 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01' };
const base = 'https://index.example:443/simple/';
const pageUrl = `${base}millrace-sample/`;
const wheelName = 'millrace_sample-1.0.0-py3-none-any.whl';
const wheelUrl = `https://files.example:443/${wheelName}`;
const wheel = sampleFile(wheelName);
const digest = createHash('sha256').update(wheel).digest('hex');

interface File {
  readonly version?: string;
  readonly time?: string;
}

function page(files: readonly File[], versions?: readonly string[]): Record<string, unknown> {
  const listed = files.map(({ version = '1.0.0', time }) => {
    const filename = wheelName.replace('1.0.0', version);
    return { filename, url: `https://files.example/${filename}`, hashes: { sha256: digest }, ...(time === undefined ? {} : { 'upload-time': time }) };
  });
  return { meta: { 'api-version': '1.1' }, name: 'millrace-sample', files: listed, ...(versions === undefined ? {} : { versions }) };
}

const json = (document: unknown): string => JSON.stringify(document);
function archive(kind: string): Buffer {
  return readFileSync(path.join(import.meta.dirname, '__fixtures__', `x-1.0.tar.${kind}`));
}

const configuration = { pip: { indexes: ['https://index.example/simple'] } };

describe('a file of a lock file', () => {
  it('is judged by the page of the configured index', async () => {
    const { context, asked } = createConsultingContext({ configuration, answers: { [pageUrl]: json(page([{ time: oldTime }])) } });
    expect(await inspect(createRequest(wheelUrl, pip), { bytes: wheel }, context)).toMatchObject({ verdict: 'Approved', metadata: { published: oldTime } });
    expect(asked).toEqual([expect.stringMatching(/^application\/vnd\.pypi\.simple\.v1\+json, .* https:\/\/index\.example:443\/simple\/millrace-sample\/$/)]);
  });

  it('is judged by an index that the session has used for another project', async () => {
    const { context } = createConsultingContext({ answers: { [pageUrl]: json(page([{}])) } });
    const other = { meta: { 'api-version': '1.0' }, name: 'other', files: [] };
    await inspect(createRequest(`${base}other/`, pip), { bytes: Buffer.from(json(other)) }, context);
    expect((await inspect(createRequest(wheelUrl, pip), { bytes: wheel }, context)).verdict).toBe('Approved');
  });

  it('is Unknown when no index is known or none declares it, and Rejected when the configuration is none', async () => {
    const hear = async (options: Parameters<typeof createConsultingContext>[0]) =>
      (await inspect(createRequest(wheelUrl, pip), { bytes: wheel }, createConsultingContext(options).context)).inspections['pip.wheel'];
    expect(await hear({})).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('name its index in "pip.indexes"') });
    expect(await hear({ configuration })).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining(`asked at ${base}`) });
    for (const indexes of ['https://index.example', [1], ['file:///x']])
      expect(await hear({ configuration: { pip: { indexes } } })).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('"pip.indexes" of the inspectors configuration') });
  });
});

describe('what a limit of time hides', () => {
  const { context } = createConsultingContext({ limit: sampleLimit });

  it('is taken from the files and versions of a page in JSON', async () => {
    const all = page([{ time: oldTime }, { version: '1.1', time: youngTime }, { version: '1.2' }], ['1.0', '1.1', '1.2', 'x']);
    const result = await inspect(createRequest(pageUrl, pip), { bytes: Buffer.from(json(all)) }, context);
    expect(result).toMatchObject({ verdict: 'Approved', replacement: { reason: '2 of 3 files hidden by as-of 2025-01-01T00:00:00Z' } });
    expect(JSON.parse(result.replacement?.bytes.toString() ?? '')).toEqual(page([{ time: oldTime }], ['1.0']));
  });

  it('is asked for in JSON when the installer reads JSON', () => {
    expect(pipSimpleIndexInspector.upstreamAccept?.(createRequest(pageUrl, pip), context)).toBe('application/vnd.pypi.simple.v1+json');
    expect(pipSimpleIndexInspector.upstreamAccept?.(createRequest(pageUrl, { accept: 'text/html' }), context)).toBeUndefined();
    expect(pipSimpleIndexInspector.upstreamAccept?.(createRequest(pageUrl, pip), createContext())).toBeUndefined();
  });

  it.each([json(page([{}])), `<!DOCTYPE html><html><body><a href="/${wheelName}">w</a></body></html>`])('cannot be told of %s', async (body) => {
    const result = await inspect(createRequest(pageUrl, pip), { bytes: Buffer.from(body) }, context);
    expect(result.inspections['pip.simple-index']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('tells no publication times') });
  });

  it('is refused as a file, with both times', async () => {
    const limited = createConsultingContext({ configuration, limit: sampleLimit, answers: { [pageUrl]: json(page([{ time: youngTime }])) } });
    const result = await inspect(createRequest(wheelUrl, pip), { bytes: wheel }, limited.context);
    expect(result.inspections['pip.wheel']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining(`millrace-sample 1.0.0 was published at ${youngTime}, after`) });
  });

  it('leaves no file that is too young in any page', () => {
    const files = fc.array(fc.record({ version: fc.constantFrom('1.0', '1.1', '2'), time: fc.constantFrom(oldTime, youngTime, 'soon') }));
    fc.assert(
      fc.property(files, (all) => {
        const hidden = hideYoungFiles(page(all, ['1.0', '2']), sampleLimit);
        if (typeof hidden !== 'object') return;
        const shown = JSON.parse(hidden.bytes.toString()) as { files: { 'upload-time': string }[] };
        expect(shown.files.every((file) => file['upload-time'] === oldTime)).toBe(true);
        expect(hideYoungFiles(shown, sampleLimit)).toBeUndefined();
      }),
    );
  });
});

describe('pip.legacy-json', () => {
  const file = (time: string, sha256: unknown = digest) => ({ url: wheelUrl, digests: { sha256 }, upload_time_iso_8601: time });
  const project = { info: { name: 'Millrace.Sample', version: '1.0.0' }, releases: { '1.0.0': [file(oldTime)] }, urls: [file(oldTime)] };
  const poetry = { 'user-agent': 'poetry/1.8.3 CPython/3.11' };
  const at = (path: string, document: unknown, context = createContext()) => inspect(createRequest(`https://index.example${path}`, poetry), { bytes: Buffer.from(json(document)) }, context);

  it.each(['/pypi/millrace-sample/json', '/pypi/millrace_sample/1.0/json'])('at %s declares files', async (path) => {
    const context = createContext();
    expect(await at(path, project, context)).toMatchObject({ verdict: 'Approved', metadata: { type: 'application/x.python.project-json' } });
    expect(await inspect(createRequest(wheelUrl, poetry), { bytes: wheel }, context)).toMatchObject({ verdict: 'Approved', metadata: { published: oldTime } });
  });

  it.each<[string, unknown, string]>([
    ['another project', { ...project, info: { name: 'other', version: '1' } }, 'is not that of'],
    ['another version', { ...project, info: { name: 'millrace-sample', version: '2' } }, 'but "1.0.0" was asked for'],
    ['no info', {}, 'no project with name and version'],
    ['a file without a URL', { ...project, urls: [{}] }, 'without a URL'],
    ['a list', [], 'no project'],
  ])('rejects %s', async (_case, document, reason) => {
    expect((await at('/pypi/millrace-sample/1.0.0/json', document)).inspections['pip.legacy-json']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining(reason) });
  });

  it('hides releases that are too young, and refuses the document of one', async () => {
    const two = { info: { name: 'millrace-sample', version: '2.0' }, releases: { '1.0': [file(oldTime)], '2.0': [file(youngTime)], '0.1': [] }, urls: [file(youngTime)] };
    const { context } = createConsultingContext({ limit: sampleLimit });
    const result = await at('/pypi/millrace-sample/json', two, context);
    expect(JSON.parse(result.replacement?.bytes.toString() ?? '')).toEqual({ info: { name: 'millrace-sample', version: '1.0' }, releases: { '1.0': [file(oldTime)] }, urls: [file(oldTime)] });
    expect((await at('/pypi/millrace-sample/2.0/json', two, context)).inspections['pip.legacy-json']?.reason).toContain(`millrace-sample 2.0 was published at ${youngTime}`);
    expect(hideYoungReleases({ releases: { '1.0': [{}] } }, sampleLimit)).toBe('timeless');
  });

  it('is not the page of a project of that name', async () => {
    for (const path of ['/pypi/simple/json/', '/pypi/team/simple/json/']) expect((await at(path, {})).inspections['pip.legacy-json']).toBeUndefined();
  });
});

describe('pip.provenance', () => {
  it('is recognised, and says that it is not verified', async () => {
    const result = await inspect(createRequest(`https://index.example/integrity/x/1.0/${wheelName}/provenance`, pip), { bytes: Buffer.from('{}') }, createContext());
    expect(result.inspections).toMatchObject({ 'pip.provenance': { opinion: 'Unknown', reason: expect.stringContaining('are not verified here') } });
  });
});

describe('source archives of old kinds', () => {
  // `x-1.0/PKG-INFO` by `tar c | bzip2` and `| xz`
  const archives = { bz2: archive('bz2'), xz: archive('xz') };
  it.each(['bz2', 'xz'] as const)('are read: %s', async (kind) => {
    const hear = async (bytes: Buffer) => (await inspect(createRequest(`https://files.example/x-1.0.tar.${kind}`, pip), { bytes }, createContext())).inspections['pip.sdist'];
    expect(await hear(archives[kind])).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('the source archive is sound') });
    expect(await hear(archives[kind].subarray(0, -20))).toMatchObject({ opinion: 'Rejected' });
    expect(await hear(archives[kind === 'bz2' ? 'xz' : 'bz2'])).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('damaged or truncated') });
  });
});
