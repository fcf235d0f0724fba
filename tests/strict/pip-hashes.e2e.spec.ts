import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeClient } from '../clients/describe-client.js';
import { summaries } from '../clients/session-report.js';
import { startPythonIndex, type PythonIndex } from './python-index.js';
import { recordVerdict } from './record-verdict.js';
import { runConfigured } from './run-configured.js';

const mismatch = "the wheel's SHA-256 digest is not the one that the project page declares";

describeClient('pip', ({ service, directory }) => {
  let index: PythonIndex | undefined;
  beforeAll(async () => {
    index = await startPythonIndex(service());
  });
  afterAll(() => index?.close());

  const row = { ecosystem: 'pip', client: 'pip install --require-hashes', build: 'files by URL and digest, with their index configured ("pip.indexes")' };

  it.each(['honest', 'tampered'] as const)('is given files by URL in a strict session when they are what the configured index declares (%s)', async (which) => {
    index?.serve(which);
    const build = directory();
    writeFileSync(path.join(build, 'requirements.txt'), `millrace-sample @ ${index?.wheelUrl} --hash=sha256:${index?.digest}\n`);
    const { report } = await runConfigured(service(), {
      configuration: { pip: { indexes: [index?.url] } },
      directory: build,
      environment: { PIP_NO_CACHE_DIR: '1', PIP_RETRIES: '0' },
      command: ['pip', 'install', '--require-hashes', '--no-deps', '--target', path.join(build, 'lib'), '-r', 'requirements.txt'],
      exitCode: which === 'honest' ? 0 : 'not 0',
    });
    expect(existsSync(path.join(build, 'lib', 'millrace_sample-1.0.0.dist-info'))).toBe(which === 'honest');
    const expected = which === 'honest' ? 'Approved' : 'Rejected';
    expect(summaries(report)).toEqual(['application/x.python.simple-index millrace-sample Approved', `application/x.python.wheel millrace-sample 1.0.0 ${expected}`]);
    if (which === 'tampered') expect(report['refused-requests'][0]?.reason).toContain(mismatch);
    recordVerdict(which === 'honest' ? { ...row, verdict: 'passes' } : { ...row, verdict: 'refused', reason: mismatch });
  }, 120_000);
});
