import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeClient } from '../clients/describe-client.js';
import { runInSession } from '../clients/run-in-session.js';
import { summaries } from '../clients/session-report.js';
import { installFromPythonIndex } from './install-tool.js';
import { startPythonIndex, type PythonIndex } from './python-index.js';
import { recordVerdict } from './record-verdict.js';
import { runConfigured } from './run-configured.js';

const approved = ['application/x.python.simple-index millrace-sample Approved', 'application/x.python.wheel millrace-sample 1.0.0 Approved'];
const mismatch = "the wheel's SHA-256 digest is not the one that the project page declares";

// uv itself comes from the Python index, by pip.
describeClient('pip', ({ service, directory }) => {
  let index: PythonIndex | undefined;
  let uv = '';
  beforeAll(async () => {
    index = await startPythonIndex(service());
    uv = path.join(await installFromPythonIndex(directory(), 'uv==0.8.17'), 'uv');
  }, 180_000);
  afterAll(() => index?.close());

  async function lockedProject(): Promise<{ readonly directory: string; readonly environment: Record<string, string> }> {
    const build = directory();
    const environment = { UV_DEFAULT_INDEX: index?.url ?? '', UV_CACHE_DIR: path.join(build, 'cache'), UV_NO_CONFIG: '1', UV_HTTP_RETRIES: '0', UV_PYTHON_DOWNLOADS: 'never' };
    writeFileSync(path.join(build, 'pyproject.toml'), '[project]\nname = "x"\nversion = "0.1.0"\nrequires-python = ">=3.8"\ndependencies = ["millrace-sample==1.0.0"]\n');
    // As a developer does it, before the build and outside of a session.
    await promisify(execFile)(uv, ['lock', '--cache-dir', path.join(build, 'other')], { cwd: build, env: { ...process.env, ...environment } });
    return { directory: build, environment };
  }

  const sync = (): readonly [string, ...string[]] => [uv, 'sync', '--frozen'];
  const row = { ecosystem: 'pip', client: 'uv sync --frozen', build: 'a lock file alone, with its index configured ("pip.indexes")' };

  it('installs from a lock file in a strict session, where only the inspector asks the configured index', async () => {
    index?.serve('honest');
    const scene = await lockedProject();
    index?.asked.splice(0);
    const { report } = await runConfigured(service(), { configuration: { pip: { indexes: [index?.url] } }, ...scene, command: sync() });
    expect(existsSync(path.join(scene.directory, '.venv', 'lib'))).toBe(true);
    expect(summaries(report)).toEqual(approved);
    expect(report.artifacts.map(({ metadata }) => metadata)).toContainEqual(expect.objectContaining({ type: 'application/x.python.wheel', published: '2024-05-01T00:00:00.000Z' }));
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ...row, verdict: 'passes' });
  }, 120_000);

  it('gets no wheel that differs from what the index declares', async () => {
    index?.serve('honest');
    const scene = await lockedProject();
    index?.serve('tampered');
    const { report } = await runConfigured(service(), { configuration: { pip: { indexes: [index?.url] } }, ...scene, command: sync(), exitCode: 'not 0' });
    expect(report['refused-requests'][0]).toMatchObject({ rule: 'verdict', reason: expect.stringContaining(mismatch) });
    recordVerdict({ ...row, verdict: 'refused', reason: mismatch });
  }, 120_000);

  it('is told what to configure when no index is known', async () => {
    index?.serve('honest');
    const scene = await lockedProject();
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', ...scene, command: sync() });
    expect(report['refused-requests'][0]?.reason).toContain('name its index in "pip.indexes" of the inspectors configuration');
  }, 120_000);

  it('resolves and installs in a strict session without a lock file', async () => {
    index?.serve('honest');
    const build = directory();
    const environment = { UV_DEFAULT_INDEX: index?.url ?? '', UV_CACHE_DIR: path.join(build, 'cache'), UV_NO_CONFIG: '1' };
    const { report } = await runInSession(service(), { policy: 'strict', directory: build, environment, command: [uv, 'pip', 'install', '--target', path.join(build, 'lib'), 'millrace-sample'] });
    expect(summaries(report)).toEqual(approved);
    recordVerdict({ ecosystem: 'pip', client: 'uv pip install', build: 'a package from an index on loopback', verdict: 'passes' });
  }, 120_000);
});
