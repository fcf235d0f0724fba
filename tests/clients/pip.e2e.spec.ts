import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildZip } from '../../libs/inspectors/__fixtures__/build-zip.js';
import { describeClient } from './describe-client.js';
import { sha256 } from './file-digest.js';
import { startOrigin } from './loopback-origin.js';
import type { LoopbackOrigin } from './loopback-origin.js';
import { runInSession } from './run-in-session.js';
import { summaries } from './session-report.js';
import { recordVerdict } from '../strict/record-verdict.js';

interface InstallReport {
  readonly install: readonly { readonly download_info: { readonly url: string; readonly archive_info: { readonly hashes: { readonly sha256: string } } }; readonly metadata: { readonly name: string; readonly version: string } }[];
}

const pip = ['pip', 'install', '--no-input', '--disable-pip-version-check', '--retries', '0', '--target', 'site', '--report', 'installed.json'];

/** An empty cache, and no directory of wheels of the machine, which would leave nothing to download. */
function environmentOf(build: string): Record<string, string> {
  return { PIP_CACHE_DIR: path.join(build, 'cache'), PIP_FIND_LINKS: '', PIP_REQUIRE_VIRTUALENV: '0', PIP_ROOT_USER_ACTION: 'ignore' };
}

describeClient('pip', ({ service, directory }) => {
  it.each([
    ['permissive', 'wheel', ['six', 'packaging']],
    ['strict', 'sdist', ['--use-pep517', '--no-binary', 'six', 'six==1.17.0', 'packaging']],
  ] as const)('installs from its index under %s policy, six as a %s; the report has the digests that pip notes', async (policy, form, requirements) => {
    const build = directory();
    const { report } = await runInSession(service(), { policy, directory: build, command: [...pip, ...requirements], environment: environmentOf(build) });
    const { install } = JSON.parse(readFileSync(path.join(build, 'installed.json'), 'utf8')) as InstallReport;
    expect(install.map(({ metadata }) => metadata.name)).toEqual(['six', 'packaging']);
    for (const { download_info: download, metadata } of install) {
      const artefact = report.artifacts.find(({ metadata: { sha256: digest } }) => digest === download.archive_info.hashes.sha256);
      const type = `application/x.python.${metadata.name === 'six' ? form : 'wheel'}`;
      expect(artefact).toMatchObject({ result: 'Approved', metadata: { type, name: metadata.name, version: metadata.version } });
      expect(artefact?.downloads[0]?.url).toContain(new URL(download.url).pathname);
    }
    // What pip fetched to build the source archive is there as well, and all of it was in order.
    const lines = summaries(report);
    expect(lines).toEqual(expect.arrayContaining([...(form === 'sdist' ? [expect.stringMatching(/^application\/x\.python\.wheel setuptools \S+ Approved$/)] : []), 'application/x.python.simple-index packaging Approved', 'application/x.python.simple-index six Approved']));
    expect(lines.filter((line) => !/^application\/x\.python\.(simple-index|wheel|sdist|metadata) \S+( \S+)? Approved$/.test(line))).toEqual([]);
    expect(report['refused-requests']).toEqual([]);
    expect(report['failed-downloads']).toEqual([]);
    if (policy === 'strict') recordVerdict({ ecosystem: 'pip', client: 'pip install', build: 'a source archive and a wheel from its index', verdict: 'passes' });
  }, 120_000);

  let index: LoopbackOrigin;
  beforeAll(async () => {
    index = await startOrigin(service(), 'https', (request, response) => {
      const [, variant = '', page] = /^\/(\w+)\/(simple\/mill-sample\/|files\/.+)$/.exec(request.url ?? '') ?? [];
      if (page?.startsWith('simple/') === true) response.writeHead(200, { 'content-type': 'text/html' }).end(`<!DOCTYPE html><a href="/${variant}/files/${wheelName}#sha256=${sha256(wheels.honest)}">${wheelName}</a>`);
      else if (page === `files/${wheelName}`) response.end(wheels[variant as keyof typeof wheels]);
      else response.writeHead(404).end();
    });
  });
  afterAll(() => index?.close());
  const from = (variant: keyof typeof wheels): string[] => [...pip, '--index-url', `${index.url}/${variant}/simple`, 'mill-sample'];

  it('installs in a strict session from an honest HTML index of its own', async () => {
    const build = directory();
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, command: from('honest'), environment: environmentOf(build) });
    expect(readFileSync(path.join(build, 'site', 'mill_sample.py'), 'utf8')).toContain('honest');
    expect(summaries(report)).toEqual(['application/x.python.simple-index mill-sample Approved', 'application/x.python.wheel mill-sample 1.0.0 Approved']);
    recordVerdict({ ecosystem: 'pip', client: 'pip install', build: 'an HTML index on loopback', verdict: 'passes' });
  }, 60_000);

  it('gets no wheel in a strict session that is not the one that the index declares', async () => {
    const build = directory();
    const { report, stderr } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, command: from('remade'), environment: environmentOf(build) });
    expect(stderr).toContain('403');
    expect(existsSync(path.join(build, 'site', 'mill_sample.py'))).toBe(false);
    const reason = expect.stringContaining("the wheel's SHA-256 digest is not the one that the project page declares");
    expect(report['refused-requests']).toMatchObject([{ rule: 'verdict', 'status-code': 403, sha256: sha256(wheels.remade), reason }]);
    expect(summaries(report)).toEqual(['application/x.python.simple-index mill-sample Approved', 'application/x.python.wheel mill-sample 1.0.0 Rejected']);
    recordVerdict({ ecosystem: 'pip', client: 'pip install', build: 'a sound wheel with one character changed', verdict: 'refused', reason: "the wheel's SHA-256 digest is not the one that the project page declares" });
  }, 60_000);

  it('gets no wheel in a strict session with one byte changed on the way', async () => {
    const build = directory();
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, command: from('damaged'), environment: environmentOf(build) });
    expect(report['refused-requests']).toMatchObject([{ rule: 'verdict', 'status-code': 403, sha256: sha256(wheels.damaged), reason: expect.stringMatching(/the archive|RECORD/) }]);
    expect(existsSync(path.join(build, 'site', 'mill_sample.py'))).toBe(false);
    recordVerdict({ ecosystem: 'pip', client: 'pip install', build: 'one byte of a wheel changed', verdict: 'refused', reason: 'the archive is damaged' });
  }, 60_000);
});

const wheelName = 'mill_sample-1.0.0-py3-none-any.whl';

/** A sound wheel, RECORD and all, with this line in its one function. */
function wheel(line: string): Buffer {
  const files = [
    { name: 'mill_sample.py', content: `def grind():\n    ${line}\n` },
    { name: 'mill_sample-1.0.0.dist-info/METADATA', content: 'Metadata-Version: 2.1\nName: mill-sample\nVersion: 1.0.0\n' },
    { name: 'mill_sample-1.0.0.dist-info/WHEEL', content: 'Wheel-Version: 1.0\nGenerator: spec\nRoot-Is-Purelib: true\nTag: py3-none-any\n' },
  ];
  const record = 'mill_sample-1.0.0.dist-info/RECORD';
  const rows = files.map(({ name, content }) => `${name},sha256=${Buffer.from(sha256(content), 'hex').toString('base64url')},${content.length}`);
  return buildZip([...files, { name: record, content: `${[...rows, `${record},,`].join('\n')}\n` }]);
}

/** The index declares the honest one, whichever it serves. */
const wheels = { honest: wheel('return "honest"'), remade: wheel('return "honesT"'), damaged: withAnotherByte(wheel('return "honest"')) };

function withAnotherByte(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  const at = bytes.indexOf('mill_sample.py') + 'mill_sample.py'.length + 3; // in the packed data of the first file
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
}
