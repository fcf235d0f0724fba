import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { projectRoot } from '../../libs/embedded/project-root.js';
import { sampleFile } from '../../libs/inspectors/__fixtures__/sample-file.js';
import { describeClient } from '../clients/describe-client.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import type { SessionReport } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';

const tool = Buffer.from('#!/bin/sh\necho one\n');
const tamperedTool = Buffer.from('#!/bin/sh\necho two\n');
const tarball = sampleFile('millrace-sample-1.0.0.tgz');
const packageUrl = '/@millrace/sample/-/sample-1.0.0.tgz';
const yesterday = (): string => new Date(Date.now() - 86_400_000).toISOString();

describeClient('npm', ({ service, directory }) => {
  let served = tool;
  let origin: LoopbackOrigin | undefined;
  const url = (): string => origin?.url ?? '';

  beforeAll(async () => {
    origin = await startOrigin(service(), 'http', (request, response) => {
      if (request.url === '/tool.sh') response.end(served);
      else if (request.url === packageUrl) response.end(tarball);
      else if (request.url?.toLowerCase() !== '/@millrace%2fsample') response.writeHead(404).end('{}');
      else {
        const dist = { tarball: url() + packageUrl, integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}` };
        const version = { name: '@millrace/sample', version: '1.0.0', license: 'MIT', dist };
        const document = { name: '@millrace/sample', 'dist-tags': { latest: '1.0.0' }, time: { '1.0.0': yesterday() }, versions: { '1.0.0': version } };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
      }
    });
  });
  afterAll(() => origin?.close());

  const policyFile = (build: string, text: string): string => {
    const file = path.join(build, 'policy.yaml');
    writeFileSync(file, `version: 1\n${text}\n`);
    return file;
  };

  interface Run {
    readonly text: string;
    readonly command: readonly string[];
    readonly exitCode?: number | 'not 0';
  }
  async function strict({ text, command, exitCode = 0 }: Run): Promise<{ readonly build: string; readonly report: SessionReport }> {
    const build = directory();
    writeFileSync(path.join(build, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0', private: true, dependencies: { '@millrace/sample': '1.0.0' } }));
    const options = ['--policy-file', policyFile(build, text)];
    const environment = { npm_config_cache: path.join(build, 'cache'), npm_config_registry: `${url()}/` };
    const { report } = await runInSession(service(), { policy: 'strict', exitCode, directory: build, options, command, environment });
    return { build, report };
  }

  const install = ['npm', 'install', '--no-fund', '--no-audit', '--ignore-scripts', '--fetch-retries=0'];
  const reasons = (report: SessionReport) => report['refused-requests'].map(({ reason }) => reason);

  it('lets a file pass that no inspector knows, when its digest is pinned, and no other from there', async () => {
    const pins = `pins: [{sha256: "${sha256(tool)}", url: "${url()}/tool.sh", name: the tool}]`;
    const fetchTool = ['curl', '-fsS', '-o', 'tool.sh', `${url()}/tool.sh`];
    served = tool;
    const honest = await strict({ text: pins, command: fetchTool });
    expect(readFileSync(path.join(honest.build, 'tool.sh'))).toEqual(tool);
    expect(honest.report.artifacts).toMatchObject([{ result: 'Approved', 'response-inspection': { policy: { opinion: 'Approved', reason: `session policy, line 2 (pins): SHA-256 ${sha256(tool)} (the tool) is pinned` } } }]);
    expect(honest.report).toMatchObject({ 'policy-documents': [{ source: 'session', text: `version: 1\n${pins}\n`, sha256: sha256(Buffer.from(`version: 1\n${pins}\n`)) }] });
    recordVerdict({ ecosystem: 'pinned files', client: 'curl', build: 'a script whose SHA-256 is pinned', verdict: 'passes' });

    served = tamperedTool;
    const tampered = await strict({ text: pins, command: fetchTool, exitCode: 'not 0' });
    expect(existsSync(path.join(tampered.build, 'tool.sh'))).toBe(false);
    expect(reasons(tampered.report)).toEqual([expect.stringContaining(`this URL is pinned to SHA-256 ${sha256(tool)} (the tool), and this is SHA-256 ${sha256(tamperedTool)}`)]);
    recordVerdict({ ecosystem: 'pinned files', client: 'curl', build: 'a script whose SHA-256 is pinned', verdict: 'refused', reason: 'this URL is pinned to another SHA-256' });
  }, 120_000);

  it.each([
    ['a package URL', 'deny: [{purl: "pkg:npm/@millrace/sample@1.*", reason: known to be bad}]', /session policy, line 2 \(deny\): known to be bad/],
    ['a licence', 'allow: [{ecosystem: npm, licence: [BSD-3-Clause]}]', /session policy \(allow\): the licence of this npm artefact, .*, is not met by the allowed ones/],
    ['an origin', 'origins: {npm: [registry.example]}', /session policy, line 2 \(origins\.npm\): 127\.0\.0\.2 is no origin that npm may come from/],
  ])('refuses by %s', async (_what, text, reason) => {
    const { build, report } = await strict({ text, command: install, exitCode: 'not 0' });
    expect(existsSync(path.join(build, 'node_modules', '@millrace'))).toBe(false);
    expect(reasons(report)).toContainEqual(expect.stringMatching(reason));
  }, 90_000);

  it('refuses a release that is too young, when a build asks for it although the index does not show it', async () => {
    const accept = 'accept: application/vnd.npm.install-v1+json';
    const command = ['sh', '-c', `curl -fsS -H "${accept}" -o index "$0/@millrace%2fsample" && exec curl -fsS -A npm/11 -o package.tgz "$0${packageUrl}"`, url()];
    const { build, report } = await strict({ text: 'cooldown: {days: 7}', command, exitCode: 'not 0' });
    expect(existsSync(path.join(build, 'package.tgz'))).toBe(false);
    expect(report.artifacts.find(({ metadata }) => metadata.type === 'application/x.npm.package')?.['response-inspection']).toMatchObject({ policy: { opinion: 'Rejected', reason: expect.stringContaining('cooldown of 7 days') } });
  }, 90_000);

  it('says of a permissive session what strict with another policy would have refused, without a request', async () => {
    const build = directory();
    writeFileSync(path.join(build, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0', private: true, dependencies: { '@millrace/sample': '1.0.0' } }));
    const environment = { npm_config_cache: path.join(build, 'cache'), npm_config_registry: `${url()}/` };
    const { report } = await runInSession(service(), { directory: build, options: ['--keep'], command: install, environment });
    const requests = origin?.requests.length;
    const check = (text: string): { readonly status: number | null; readonly stdout: string } => {
      const cli = path.join(projectRoot(), 'dist/apps/cli/main.js');
      return spawnSync(process.execPath, [cli, 'policy', 'check', '--session', report['session-id'], '--policy', policyFile(build, text), '--json'], { encoding: 'utf8', env: { ...process.env, MILLRACE_HOME: service().home, MILLRACE_CONTROL_AUTH: service().controlAuth } });
    };
    const fine = check('origins: {npm: ["127.0.0.2"]}');
    expect(fine).toMatchObject({ status: 0 });
    expect(JSON.parse(fine.stdout)).toMatchObject({ sessionId: report['session-id'], judged: 2, refusedCount: 0 });
    const denied = check('deny: [{purl: "pkg:npm/@millrace/sample@*"}]');
    expect(denied).toMatchObject({ status: 1 });
    expect(JSON.parse(denied.stdout)).toMatchObject({ refusedByPolicy: 1, refusedCount: 1, refused: [{ stage: 'artefact', byPolicy: true, name: '@millrace/sample', version: '1.0.0', sha256: sha256(tarball) }] });
    expect(check('denny: []')).toMatchObject({ status: 2 });
    expect(origin?.requests).toHaveLength(requests ?? -1);
  }, 90_000);
});
