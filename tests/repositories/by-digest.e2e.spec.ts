import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildPackages, copyPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { startOrigin, type LoopbackOrigin } from '../clients/loopback-origin.js';
import { composeClient } from '../faults/compose-client.js';
import { openFaultSession } from '../faults/fault-session.js';
import { startFaultService, type FaultService } from '../faults/fault-service.js';
import { authorityOf, createProxyClient } from '../faults/proxy-client.js';
import { repositoryClient, type RepositoryClient, type SeenChange } from './repository-client.js';

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Nobody uploads anything here: the bytes are in Millrace already. */
describeWith('createrepo_c', 'packages that Millrace has already', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-by-digest-'));
  const packages = path.join(folder, 'packages');
  const spoon = path.join(packages, 'spoon-1.0-1.noarch.rpm');
  const fork = path.join(packages, 'fork-1.0-1.noarch.rpm');
  let service: FaultService;
  let origin: LoopbackOrigin;
  let client: RepositoryClient;

  beforeAll(async () => {
    buildPackages(packages, [{ name: 'spoon', arch: 'noarch' }, { name: 'fork', arch: 'noarch' }]);
    const source = path.join(folder, 'source');
    copyPackages(packages, source);
    execFileSync('createrepo_c', ['--quiet', source], { stdio: 'ignore' });
    service = await startFaultService({ proxies: 1, settings: { MILLRACE_COMPOSE_SOURCE_PATHS: folder } });
    origin = await startOrigin(service, 'https', (_request, response) => response.end(readFileSync(fork)));
    client = repositoryClient(service);
    await client.create('kitchen', 'rpm', {});
  }, 180_000);
  afterAll(async () => {
    await origin?.close();
    await service?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const publish = (digest: string, from: object): Promise<SeenChange> => client.call('POST', '/v1/repositories/kitchen/publish', { contents: [{ sha256: digest, from }], origin: from });

  it('are published out of a compose, which their record names', async () => {
    const composes = composeClient(service);
    const { id } = await composes.ask(path.join(folder, 'source'));
    expect(await composes.ended(id)).toMatchObject({ state_name: 'done' });
    expect(await publish(sha256(spoon), { compose: id })).toMatchObject({ phase: 'done', problem: null, outcome: { added: ['spoon-1.0-1.noarch.rpm'] } });
    expect(await client.call('GET', '/v1/repositories/kitchen/packages/spoon-1.0-1.noarch.rpm')).toMatchObject({ sha256: sha256(spoon), origin: { compose: id } });
    await client.create('copies', 'rpm', {});
    expect(await client.publish('copies', [spoon])).toMatchObject({ phase: 'done', problem: null });
    expect(await client.call('GET', '/v1/repositories/copies/packages/spoon-1.0-1.noarch.rpm')).toMatchObject({ origin: { compose: id, found: true } });
    await expect(publish(sha256(fork), { compose: id })).rejects.toThrow('blob-not-found');
    await expect(publish(sha256(fork), { compose: 999_999 })).rejects.toThrow('compose-not-found');
  }, 60_000);

  it('are published out of a session, and found by their digest there', async () => {
    const session = await openFaultSession(service);
    const build = createProxyClient(service, session, await authorityOf(service));
    expect(await build.get(`${origin.url}/fork-1.0-1.noarch.rpm`)).toMatchObject({ status: 200 });
    build.close();
    await session.revoke();
    expect(await publish(sha256(fork), { session: session.id })).toMatchObject({ phase: 'done', problem: null, outcome: { added: ['fork-1.0-1.noarch.rpm'] } });
    const served = await fetch(`${service.addresses.control}/repositories/kitchen/Packages/f/fork-1.0-1.noarch.rpm`);
    expect(createHash('sha256').update(Buffer.from(await served.arrayBuffer())).digest('hex')).toBe(sha256(fork));
    const { items } = await client.call<{ items: readonly object[] }>('GET', `/v1/packages/${sha256(fork)}/origins`);
    expect(items).toEqual(expect.arrayContaining([expect.objectContaining({ session: session.id, found: true }), expect.objectContaining({ repository: 'kitchen' })]));
    await expect(publish('a'.repeat(64), { session: session.id })).rejects.toThrow('blob-not-found');
  }, 60_000);
});
