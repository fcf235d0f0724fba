import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildDeb, type DebOptions } from '../../libs/repository-formats/deb/__fixtures__/build-deb.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { s3Credentials, startS3Server, type S3Server } from '../../libs/testing/start-s3-server.js';
import { startFaultService, type FaultService } from '../faults/fault-service.js';
import { openPrivateApt, type PrivateApt } from './private-apt.js';
import { openPublicBucket } from './publish-apt.js';
import { repositoryClient, type RepositoryClient } from './repository-client.js';

describeWith('apt-get', 'a repository of Debian packages in a bucket', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-apt-service-'));
  let server: S3Server;
  let service: FaultService;
  let client: RepositoryClient;
  let bucket: string;

  beforeAll(async () => {
    server = await startS3Server(path.join(folder, 's3'));
    const place = await openPublicBucket(server, 'farm', 'repositories/debian');
    await place.close();
    bucket = place.url;
    service = await startFaultService({ proxies: 1, settings: { ...s3Credentials, MILLRACE_REPOSITORIES: `s3://farm/repositories?endpoint=${server.endpoint}` } });
    client = repositoryClient(service);
  }, 300_000);
  afterAll(async () => {
    await service?.stop();
    await server?.kill();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  function packageFile(options: DebOptions): string {
    const file = path.join(mkdtempSync(path.join(folder, 'package-')), 'some.deb');
    writeFileSync(file, buildDeb(options));
    return file;
  }

  async function openApt(url: string): Promise<PrivateApt> {
    const keyring = await fetch(`${url}/archive-key.gpg`);
    expect(keyring.status).toBe(200);
    return openPrivateApt(mkdtempSync(path.join(folder, 'apt-')), { url, distribution: 'rye', keyring: Buffer.from(await keyring.arrayBuffer()) });
  }

  it('is installed from with apt, straight from the bucket and from the gateway', async () => {
    await client.create('debian', 'deb', { keys: ['default'], deb: { suite: 'rye', components: ['main', 'extra'], architectures: ['amd64', 'arm64'] } });
    const first = await client.publish('debian', [
      packageFile({ name: 'sample', version: '1:1.0-1', fields: 'Depends: libsample1 (>= 2.0~)\n', content: 'one' }),
      packageFile({ name: 'libsample1', version: '2.0-1', architecture: 'amd64' }),
      packageFile({ name: 'sample-doc', architecture: 'all' }),
    ]);
    expect(first).toMatchObject({ problem: null, outcome: { added: ['sample_1.0-1_amd64.deb', 'libsample1_2.0-1_amd64.deb', 'sample-doc_1.0-1_all.deb'] } });
    const direct = await openApt(bucket);
    expect(await direct.apt('update')).toMatchObject({ code: 0 });
    expect(await direct.apt('install', 'sample')).toMatchObject({ code: 0 });
    expect(readFileSync(path.join(direct.root, 'usr/share/sample/content'), 'utf8')).toBe('one');

    await expect(client.publish('debian', [packageFile({ name: 'evil', fields: 'Depends: ${misc:Depends}\n' })])).rejects.toThrow(/422: .*the field Depends has .*package-invalid/);
    // A file has no epoch in its name.
    await expect(client.publish('debian', [packageFile({ name: 'sample', version: '2:1.0-1' })])).rejects.toThrow(/409: .*package-conflict/);

    const second = await client.publish('debian', [packageFile({ name: 'sample', version: '1:1.1-1', content: 'two' })]);
    expect(second.problem).toBeNull();
    const served = await openApt(`${service.addresses.control}/repositories/debian`);
    expect(await served.apt('update')).toMatchObject({ code: 0 });
    const upgraded = await served.apt('install', 'sample', 'sample-doc');
    expect(upgraded).toMatchObject({ code: 0 });
    expect(upgraded.output).toContain('Setting up sample (1:1.1-1)');
    expect(await direct.apt('update')).toMatchObject({ code: 0 });
    expect((await direct.apt('install', 'sample')).output).toContain('Unpacking sample (1:1.1-1) over (1:1.0-1)');

    const changeId = crypto.randomUUID();
    await client.call('POST', '/v1/repositories/debian/rollback', { changeId, to: first.outcome?.state });
    let change = await client.call<{ outcome: object | null; problem: object | null }>('GET', `/v1/repositories/debian/changes/${changeId}`);
    while (change.outcome === null && change.problem === null) change = await client.call('GET', `/v1/repositories/debian/changes/${changeId}`);
    expect(change.problem).toBeNull();
    const late = await openApt(bucket);
    expect(await late.apt('update')).toMatchObject({ code: 0 });
    expect((await late.apt('install', 'sample')).output).toContain('Setting up sample (1:1.0-1)');
  }, 120_000);
});
