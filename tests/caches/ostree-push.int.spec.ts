import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import ssh2 from 'ssh2';
import { sshHostKey } from '../../apps/cache/ssh/ssh-host-key.js';
import { startSshServer, type SshServer } from '../../apps/cache/ssh/start-ssh-server.js';
import { openCacheParts, type CacheServiceParts } from '../../libs/cache-service/open-cache-parts.js';
import { openOstreeParts } from '../../libs/cache-service/open-ostree-parts.js';
import { openDatabase, type Database } from '../../libs/database/open-database.js';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { createOstreeExport } from '../../libs/ostree-exports/ostree-export.js';
import { Directory } from '../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { startCachedGateway, type CachedGateway } from './cached-gateway.js';
import { ostreeClient } from './ostree-client.js';
import { pushOverSsh, type Said } from './push-over-ssh.js';

const run = promisify(execFile);

describeWith('ostree', 'artifacts that are pushed over ssh', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-ssh-'));
  const ref = 'project/element.bst/0123';
  let served: CachedGateway;
  let database: Database;
  let parts: CacheServiceParts;
  let server: SshServer;
  /** What whoever pushes is told from now on. */
  let revoked: MillraceError | undefined;

  beforeAll(async () => {
    const fingerprints = ['known', 'stranger'].map((name) => {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, name)]);
      return execFileSync('ssh-keygen', ['-lf', path.join(folder, name)], { encoding: 'utf8' }).split(' ')[1] ?? '';
    });
    served = await startCachedGateway({ sshKeys: fingerprints.slice(0, 1) });
    database = await openDatabase(served.settings.databaseUrl ?? '');
    parts = await openCacheParts(database, { settings: served.settings });
    const hostKey = await sshHostKey(served.home);
    expect([await sshHostKey(served.home), statSync(path.join(served.home, 'cache-ssh-host-key')).mode & 0o777]).toEqual([hostKey, 0o600]);
    server = await startSshServer({ host: '127.0.0.1', port: 0, hostKey, access: { ...served.caches.access, recheck: async (...asked) => (revoked === undefined ? served.caches.access.recheck(...asked) : Promise.reject(revoked)) }, judgedEvery: 50, log: pino({ level: 'silent' }), cache: parts.cache, exported: parts.settings.ostree, parts: openOstreeParts(database, parts, served.settings.databaseUrl ?? '') });
  }, 60_000);
  afterAll(async () => {
    await server?.close(0);
    await parts?.close();
    await database?.close();
    await served?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const ssh = (key = 'known'): string[] => ['ssh', '-F', 'none', '-i', path.join(folder, key), '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=accept-new', '-o', `UserKnownHostsFile=${folder}/hosts`, '-o', 'LogLevel=ERROR', '-p', String(server.port), 'artifacts@127.0.0.1'];

  async function command(words: string, key?: string): Promise<string> {
    const [program = '', ...rest] = ssh(key);
    return run(program, [...rest, words]).then(({ stdout }) => `0 ${stdout}`, ({ code, stderr }: { readonly code: number; readonly stderr: string }) => `${code} ${stderr}`);
  }

  /** A repository of a builder with one commit of some files. */
  function built(name: string, content: string, ...options: readonly string[]): string {
    const tree = path.join(folder, `${name}-tree`);
    const repo = path.join(folder, `${name}-repo`);
    mkdirSync(path.join(tree, 'files/bin'), { recursive: true });
    writeFileSync(path.join(tree, 'files/bin/tool'), content, { mode: 0o755 });
    writeFileSync(path.join(tree, 'files/large'), content.repeat(50_000));
    writeFileSync(path.join(tree, 'files/empty'), '');
    symlinkSync('bin/tool', path.join(tree, 'files/link'));
    execFileSync('ostree', ['init', `--repo=${repo}`, '--mode=archive']);
    execFileSync('ostree', ['commit', `--repo=${repo}`, `--branch=${ref}`, '--subject=built', ...options, tree]);
    return repo;
  }

  const push = (repo: string, { refs = [ref], key = 'known', to = '/artifacts', leaveOut = '-' } = {}): Promise<Said> => pushOverSsh(ssh(key), { to, repo, refs, leaveOut });

  it('are not there when something is missing below their commit, or is not what it says', async () => {
    const repo = built('broken', 'some text\n');
    expect(await push(repo, { leaveOut: '.dirmeta' })).toMatchObject({ exit: 1, stderr: expect.stringContaining('is not whole') });
    const [other = ''] = execFileSync('find', [path.join(repo, 'objects'), '-name', '*.dirtree'], { encoding: 'utf8' }).split('\n');
    writeFileSync(other, Buffer.concat([readFileSync(other), Buffer.from('more')]));
    expect(await push(repo)).toMatchObject({ exit: 1, stderr: expect.stringContaining('has other bytes than its name says') });
    expect((await fetch(`${served.url}/ostree/artifacts/refs/heads/${ref}`)).status).toBe(404);
  });

  it('are pulled by the real tool at once, as they were built', async () => {
    const repo = built('first', 'hello\n');
    const said = await push(repo);
    expect(said).toMatchObject({ info: { mode: 1, pull_url: 'http://cache.example/ostree/artifacts', refs: {} }, status: { result: true }, done: {}, exit: 0 });
    const client = await ostreeClient(folder, `${served.url}/ostree/artifacts`);
    expect(await client.run('remote', 'refs', 'cache')).toBe(`cache:${ref}`);
    const tree = await client.pulled(ref);
    expect([readFileSync(path.join(tree, 'files/large'), 'utf8').length, statSync(path.join(tree, 'files/bin/tool')).mode & 0o777, readlinkSync(path.join(tree, 'files/link'))]).toEqual([300_000, 0o755, 'bin/tool']);
    expect(await client.run('rev-parse', `cache:${ref}`)).toBe(readFileSync(path.join(repo, 'refs/heads', ref), 'utf8').trim());
  });

  it('are entries of the cache, too, and keep their commit when the cache is exported', async () => {
    const entry = await parts.cache.findEntry({ instance: 'artifacts', kind: 'directory', key: `urn:fdc:buildstream.build:2020:v1:${ref}`, qualifiers: {} });
    const read = async (hash: string, size: number): Promise<Directory> => Directory.decode((await parts.cache.readBlobs('artifacts', [{ function: 'sha256', hash, size }]))[0] ?? Buffer.alloc(0));
    const root = await read(entry?.target?.digest.hash ?? '', entry?.target?.digest.size ?? 0);
    const files = await read(root.directories[0]?.digest?.hash ?? '', root.directories[0]?.digest?.sizeBytes ?? 0);
    expect([files.files.map(({ name, digest }) => [name, digest?.sizeBytes]), files.symlinks.map(({ name, target }) => [name, target]), files.directories.map(({ name }) => name)]).toEqual([[['empty', 0], ['large', 300_000]], [['link', 'bin/tool']], ['bin']]);
    const exporter = createOstreeExport(openOstreeParts(database, parts, served.settings.databaseUrl ?? ''));
    expect(await exporter.round('artifacts', { signal: new AbortController().signal })).toMatchObject({ exported: 0, dropped: 0 });
  });

  it('are known to whoever has them already, and not replaced by others of the same name', async () => {
    expect(await push(path.join(folder, 'first-repo'))).toMatchObject({ info: { refs: { [ref]: expect.any(String) } }, exit: 0 });
    const other = built('other', 'other\n');
    const before = await (await fetch(`${served.url}/ostree/artifacts/refs/heads/${ref}`)).text();
    expect(await push(other)).toMatchObject({ exit: 1, stderr: expect.stringContaining('already exists') });
    expect(await (await fetch(`${served.url}/ostree/artifacts/refs/heads/${ref}`)).text()).toBe(before);
    const next = built('next', 'next\n');
    execFileSync('ostree', ['pull-local', `--repo=${next}`, path.join(folder, 'first-repo')]);
    execFileSync('ostree', ['commit', `--repo=${next}`, `--branch=${ref}`, `--parent=${before.trim()}`, path.join(folder, 'next-tree')]);
    expect(await push(next)).toMatchObject({ done: {}, exit: 0 });
    expect(await (await fetch(`${served.url}/ostree/artifacts/refs/heads/${ref}`)).text()).not.toBe(before);
  });

  it.each(['sh', 'bst-artifact-receive', 'bst-artifact-receive a b', 'bst-artifact-receive; id', 'bst-artifact-receive --help', 'scp -t .'])('are the only thing that is understood: not %s', async (words) => {
    expect(await command(words)).toMatch(/^1 ERROR: /);
  });

  describe('who may push them', () => {
    it('is whoever the settings name the key of', async () => {
      expect(await push(path.join(folder, 'first-repo'), { key: 'stranger' })).toMatchObject({ exit: 255, stderr: expect.stringContaining('Permission denied') });
      expect(await push(path.join(folder, 'first-repo'), { to: '/team/one' })).toMatchObject({ exit: 1, stderr: expect.stringMatching(/^ERROR: /) });
      expect(await push(path.join(folder, 'first-repo'), { to: '/small' })).toMatchObject({ exit: 1, stderr: expect.stringContaining('is no OSTree repository') });
    });

    it('may not any more once the key is taken out, by a connection that is there already, and in the middle of a push', async () => {
      const connection = new ssh2.Client();
      const closed = once(connection, 'close');
      connection.connect({ host: '127.0.0.1', port: server.port, username: 'artifacts', privateKey: readFileSync(path.join(folder, 'known')) });
      await once(connection, 'ready');
      const begin = async (): Promise<{ readonly channel: ssh2.ClientChannel; readonly said: Promise<string> }> => {
        const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) => void connection.exec('bst-artifact-receive /artifacts', (error, opened) => (error === undefined ? resolve(opened) : reject(error))));
        const chunks: Buffer[] = [];
        channel.stderr.on('data', (chunk: Buffer) => void chunks.push(chunk));
        channel.resume();
        return { channel, said: once(channel, 'close').then(([code]) => `${String(code)} ${Buffer.concat(chunks).toString()}`) };
      };
      const { channel, said } = await begin();
      channel.write(Buffer.from([0x6c]));
      revoked = new MillraceError('unauthorized', 'the key is known no more');
      expect(await said).toMatch(/^1 ERROR: the key is known no more/);
      expect(await (await begin()).said).toMatch(/^1 ERROR: the key is known no more/);
      revoked = undefined;
      connection.end();
      await closed;
    });

    it('gets no terminal, no files and no other host by that', async () => {
      const [program = '', ...rest] = ssh();
      await expect(run(program, ['-s', ...rest, 'sftp'])).rejects.toMatchObject({ code: 255 });
      await expect(run(program, ['-W', '127.0.0.1:22', ...rest])).rejects.toMatchObject({ code: 255 });
    });
  });
});
