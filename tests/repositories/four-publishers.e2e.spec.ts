import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { runDnf } from '../../libs/compose-engine/__fixtures__/run-dnf.js';
import { buildPackages } from '../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { s3Credentials, startS3Server, type S3Server } from '../../libs/testing/start-s3-server.js';
import { startFaultService, type FaultService } from '../faults/fault-service.js';
import { repositoryClient } from './repository-client.js';

const count = 500;
const publishers = 4;
const together = 20;

/** Of one spec alone: whoever reads the bucket, without credentials, as package managers do. */
interface Reader {
  /** What was wrong with any state in which the repository could be seen, and how many states that were. */
  end(): Promise<{ readonly problems: readonly string[]; readonly states: number }>;
}

describeWith('dnf', 'a repository of rpm packages in a bucket, with four publishers', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-publishers-'));
  const packages = path.join(folder, 'packages');
  let server: S3Server;
  let service: FaultService;
  let bucket: string;

  beforeAll(async () => {
    const subpackages = Object.fromEntries(Array.from({ length: count - 1 }, (_, index) => [`part-${index}`, []]));
    buildPackages(packages, [{ name: 'storm', arch: 'noarch', subpackages }]);
    server = await startS3Server(path.join(folder, 's3'));
    server.makeBucket('farm');
    await letEverybodyRead();
    bucket = `${server.endpoint}/farm/repositories/storm`;
    service = await startFaultService({ proxies: 1, settings: { ...s3Credentials, MILLRACE_REPOSITORIES: `s3://farm/repositories?endpoint=${server.endpoint}` } });
  }, 300_000);
  afterAll(async () => {
    await service?.stop();
    await server?.kill();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function letEverybodyRead(): Promise<void> {
    const client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: s3Credentials.AWS_ACCESS_KEY_ID, secretAccessKey: s3Credentials.AWS_SECRET_ACCESS_KEY } });
    await client.send(new PutBucketPolicyCommand({ Bucket: 'farm', Policy: JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::farm/*' }] }) }));
    client.destroy();
  }

  async function install(name: string, settings: readonly string[] = []): Promise<{ readonly status: number; readonly output: string }> {
    const own = mkdtempSync(path.join(folder, 'dnf-'));
    const repoFile = path.join(own, 'storm.repo');
    writeFileSync(repoFile, ['[storm]', 'name=storm', `baseurl=${bucket}/`, 'enabled=1', 'gpgcheck=0', 'skip_if_unavailable=0', ...settings, ''].join('\n'));
    mkdirSync(path.join(own, 'root'), { recursive: true });
    try {
      return await runDnf(own, repoFile, 'install', name);
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  }

  it('publishes all of 500 packages once, and is whole to its readers while processes are killed', async () => {
    const client = repositoryClient(service);
    await client.create('storm', 'rpm', { keys: ['default'], guard: { packages: 10, share: 0.25 } });
    const files = readdirSync(packages).filter((name) => name.endsWith('.noarch.rpm')).sort();
    expect(files).toHaveLength(count);
    const published: string[] = [];
    let ended = false;
    const publish = async (which: number): Promise<void> => {
      const own = files.filter((_, index) => index % publishers === which);
      for (let at = 0; at < own.length; at += together) {
        const some = own.slice(at, at + together);
        const { outcome, problem } = await client.publish('storm', some.map((name) => path.join(packages, name)));
        expect([problem, [...(outcome?.added ?? []), ...(outcome?.same ?? [])].sort()]).toEqual([null, some]);
        published.push(...some);
      }
    };
    const reader = readBucket(bucket);
    const kill = async (): Promise<number> => {
      let kills = 0;
      for (const name of ['worker', 'gateway', 'worker', 'postgres', 'worker', 'temporal', 'gateway', 'worker']) {
        await pause(1500);
        if (ended) break;
        await service.killPart(name);
        kills += 1;
      }
      return kills;
    };
    const installed: string[] = [];
    const installing = (async () => {
      while (!ended) {
        const newest = published.at(-1);
        if (newest === undefined) await pause(100);
        else {
          const name = newest.replace(/-1\.0-1\.noarch\.rpm$/, '');
          const { status, output } = await install(name);
          installed.push(status === 0 ? 'installed' : output);
          await pause(1000);
        }
      }
    })();
    const [kills] = await Promise.all([
      kill(),
      Promise.all(Array.from({ length: publishers }, (_, which) => publish(which))).finally(() => {
        ended = true;
      }),
    ]);
    await installing;
    const { problems, states } = await reader.end();

    expect(kills).toBeGreaterThanOrEqual(4);
    expect(problems).toEqual([]);
    expect(states).toBeGreaterThan(3);
    expect(new Set(installed)).toEqual(new Set(['installed']));
    expect(await client.call('GET', '/v1/repositories/storm')).toMatchObject({ packages: count });
    expect((await readState(bucket)).packages).toHaveLength(count);
    expect(await install('storm-part-7', ['repo_gpgcheck=1', `gpgkey=${bucket}/repodata/repomd.xml.key`])).toMatchObject({ status: 0, output: expect.stringContaining('storm-part-7-1.0-1.noarch') as unknown });
    expect(service.logLines().filter((line) => /unhandled|uncaught/i.test(line))).toEqual([]);
  }, 400_000);
});

/** Reads the repository as fast as it can; each state that it meets is there whole, and lists whatever was listed before. */
function readBucket(url: string): Reader {
  const problems = new Set<string>();
  const states = new Set<string>();
  let ended = false;
  let most = 0;
  const reading = (async () => {
    while (!ended) {
      try {
        const { revision, packages } = await readState(url);
        if (!states.has(revision) && packages.length < most) problems.add(`a state lists ${packages.length} packages after one with ${most}`);
        most = Math.max(most, packages.length);
        states.add(revision);
        for (const href of sample(packages)) if ((await fetch(`${url}/${href}`, { method: 'HEAD' })).status !== 200) problems.add(`${href} is listed, and not there`);
      } catch (error) {
        if (!(error instanceof NothingYet)) problems.add(String(error));
      }
      await pause(5);
    }
  })();
  return {
    async end() {
      ended = true;
      await reading;
      return { problems: [...problems], states: states.size };
    },
  };
}

class NothingYet extends Error {}

interface SeenState {
  /** Of its `repomd.xml`. */
  readonly revision: string;
  readonly packages: readonly string[];
}

async function readState(url: string): Promise<SeenState> {
  const answer = await fetch(`${url}/repodata/repomd.xml`);
  if (answer.status === 404) throw new NothingYet();
  const repomd = await answer.text();
  const files = [...repomd.matchAll(/<data type="([a-z]+)">.*?<checksum type="sha256">([0-9a-f]{64})<\/checksum>.*?<location href="([^"]+)"/gs)].map(([, type = '', sha256 = '', href = '']) => ({ type, sha256, href }));
  if (!files.some(({ type }) => type === 'primary')) throw new Error(`repomd.xml names no primary: ${repomd.slice(0, 200)}`);
  let packages: readonly string[] = [];
  for (const { type, sha256, href } of files) {
    const bytes = Buffer.from(await (await fetch(`${url}/${href}`)).arrayBuffer());
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new Error(`${href} is not what repomd.xml says`);
    if (type === 'primary') packages = [...gunzipSync(bytes).toString().matchAll(/<location href="([^"]+)"/g)].map(([, place = '']) => place);
  }
  return { revision: createHash('sha256').update(repomd).digest('hex'), packages };
}

/** The last ones and some others. */
function sample(packages: readonly string[]): readonly string[] {
  return packages.filter((_, index) => index % 50 === 0 || index > packages.length - 3);
}
