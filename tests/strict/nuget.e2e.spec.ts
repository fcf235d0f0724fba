import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildPackage, odataEntry, packageHash } from '../../libs/inspectors/nuget/__fixtures__/sample-package.js';
import { originAddress } from '../clients/client-service.js';
import { describeClient } from '../clients/describe-client.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { summaries } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';

const honest = buildPackage();
const tampered = Buffer.from(honest);
/** In the packed bytes of a file: the archive's directories stay as they are. */
const changedByte = honest.indexOf('content/sample.txt') + 'content/sample.txt'.length + 1;
tampered[changedByte] = (honest[changedByte] as number) ^ 1;

/** The client of Debian speaks version 2 of the protocol. */
describeClient('nuget', ({ service, directory }) => {
  let served = honest;
  let origin: LoopbackOrigin | undefined;

  beforeAll(async () => {
    origin = await startOrigin(service(), 'http', (request, response) => {
      const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '');
      const base = `${url()}/nuget/`;
      // The hash is always the honest one's.
      const entry = odataEntry({ base, source: `${url()}/package/Millrace.Sample/1.0.0`, hash: packageHash(honest), size: honest.length });
      if (path === '/nuget' || path === '/nuget/') answer('application/xml', `<service xml:base="${base}" xmlns="http://www.w3.org/2007/app"/>`);
      else if (path === "/nuget/Packages(Id='Millrace.Sample',Version='1.0.0')") answer('application/atom+xml;type=entry', entry);
      else if (path === '/package/Millrace.Sample/1.0.0') answer('application/zip', served);
      else response.writeHead(404).end();

      function answer(type: string, content: string | Buffer): void {
        const bytes = Buffer.from(content);
        response.writeHead(200, { 'content-type': type, 'content-length': bytes.length }).end(bytes);
      }
    });
  });
  afterAll(() => origin?.close());

  /** NuGet never asks a proxy for an address of loopback; it does not know one with a dot at its end to be one. */
  function url(): string {
    return (origin?.url ?? '').replace(originAddress, `${originAddress}.`);
  }

  function project(): { readonly directory: string; readonly command: string[]; readonly environment: Record<string, string> } {
    const build = directory();
    // Its configuration and caches are under HOME.
    const home = path.join(build, 'home');
    mkdirSync(home);
    const command = ['nuget', 'install', 'Millrace.Sample', '-Version', '1.0.0', '-Source', `${url()}/nuget`, '-OutputDirectory', 'packages', '-NonInteractive', '-NoCache'];
    return { directory: build, command, environment: { HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home } };
  }

  it('gets a package in a strict session whose hash the feed declares', async () => {
    served = honest;
    const build = project();
    const { report } = await runInSession(service(), { policy: 'strict', ...build });
    expect(existsSync(path.join(build.directory, 'packages', 'Millrace.Sample.1.0.0', 'content', 'sample.txt'))).toBe(true);
    const lines = summaries(report);
    expect(lines.filter((line) => !line.endsWith(' Approved'))).toEqual([]);
    expect(lines).toContain('application/x.nuget.package Millrace.Sample 1.0.0 Approved');
    expect(report['refused-requests']).toEqual([]);
    recordVerdict({ ecosystem: 'nuget', client: 'nuget', build: 'a package from a feed of protocol version 2 on loopback', verdict: 'passes' });
  }, 180_000);

  it('gets no package in a strict session that differs in one byte from what the feed declares', async () => {
    served = tampered;
    const build = project();
    const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', ...build });
    expect(existsSync(path.join(build.directory, 'packages', 'Millrace.Sample.1.0.0'))).toBe(false);
    const reason = "the package's sha512 hash is not the one that the index declares";
    const refused = report['refused-requests'].map(({ rule, reason: why, sha256: file }) => ({ rule, why, file }));
    expect(refused).toContainEqual({ rule: 'verdict', why: expect.stringContaining(reason), file: sha256(tampered) });
    recordVerdict({ ecosystem: 'nuget', client: 'nuget', build: 'a package from a feed of protocol version 2 on loopback, one byte changed', verdict: 'refused', reason });
  }, 180_000);
});
