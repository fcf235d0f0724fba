import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { describeWith } from '../../../testing/describe-with.js';
import { kerberosModule } from '../../../testing/kerberos-module.js';
import { otherRealm, startKdc, testRealm, type TestKdc } from '../../../testing/start-kdc.js';
import type { Authenticator } from '../../authenticator.js';
import { authenticatorOptions, credentials } from '../__fixtures__/credentials.js';
import { startGuardedServer } from '../__fixtures__/guarded-server.js';
import { authenticationSchema } from '../authentication-schema.js';
import { createAuthenticator, type TriedLogin } from '../create-authenticator.js';
import { callerName, createKerberosLogin } from './kerberos-login.js';
import { kerberosSchema } from './kerberos-schema.js';
import { openAcceptor } from './open-acceptor.js';

const run = promisify(execFile);

describeWith('krb5kdc', 'a caller with Kerberos', () => {
  let module: string;
  let kdc: TestKdc;
  let folder: string;
  const opened: Authenticator[] = [];
  const logins: TriedLogin[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-kerberos-'));
    [module, kdc] = await Promise.all([kerberosModule(), startKdc({ users: ['bob', 'unknown', `eve@${otherRealm}`], services: ['HTTP/localhost', 'imap/localhost', 'HTTP/other'] })]);
  }, 120_000);
  afterEach(async () => {
    logins.length = 0;
    for (const each of opened.splice(0)) await each.close();
  });
  afterAll(async () => {
    await kdc.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(changes: object = {}): Promise<Authenticator> {
    const settings = authenticationSchema.parse({ kerberos: { 'keytab-file': kdc.keytab, realm: testRealm, 'configuration-file': kdc.configuration, 'module-file': module, ...changes }, anonymous: true });
    const authenticator = await createAuthenticator(settings, authenticatorOptions({ environment: { PATH: process.env['PATH'], KRB5RCACHEDIR: folder }, onLogin: (login) => void logins.push(login) }));
    opened.push(authenticator);
    return authenticator;
  }

  /** A ticket of a user for a service, as a client of GSSAPI makes it. */
  async function ticket(user: string, service: string): Promise<string> {
    const program = `const k = require(${JSON.stringify(module)}); k.initializeClient(${JSON.stringify(service)}, { mechOID: 6 }, (e, c) => { if (e) throw e; c.step('', (e, t) => { if (e) throw e; console.log(t); }); });`;
    return (await run(process.execPath, ['-e', program], { env: await kdc.environmentOf(user) })).stdout.trim();
  }

  async function shown(authenticator: Authenticator, token: string): Promise<unknown> {
    return authenticator.authenticate(credentials({ authorization: `Negotiate ${token}` })).then((caller) => caller?.principal, (error: unknown) => (error as { code?: string }).code);
  }

  it('is who the ticket is of, without the realm, and learns that this is the service', async () => {
    const authenticator = await open();
    expect([authenticator.backend, authenticator.challenges[0]]).toEqual(['kerberos', 'Negotiate']);
    const caller = await authenticator.authenticate(credentials({ authorization: `Negotiate ${await ticket('bob', 'HTTP@localhost')}` }));
    expect(caller).toEqual({ principal: { name: 'bob', groups: [], by: 'kerberos', scopes: undefined }, reply: expect.stringMatching(/^Negotiate [A-Za-z0-9+/]{20,}=*$/) });
  });

  it('cannot show the same ticket twice', async () => {
    const authenticator = await open();
    const token = await ticket('bob', 'HTTP@localhost');
    expect(await shown(authenticator, token)).toMatchObject({ name: 'bob' });
    expect(await shown(authenticator, token)).toBe('unauthorized');
    // Another gateway of this machine has seen it, too.
    expect(await shown(await open(), token)).toBe('unauthorized');
    expect(logins.map(({ reason }) => reason)).toEqual([undefined, expect.stringMatching(/replay/i), expect.stringMatching(/replay/i)]);
    expect(JSON.stringify(logins)).not.toContain(token.slice(0, 40));
  });

  it('is refused with a ticket for another service, although its key is in the same table', async () => {
    const authenticator = await open();
    expect(await shown(authenticator, await ticket('bob', 'imap@localhost'))).toBe('unauthorized');
    expect(logins[0]?.reason).toBe(`the ticket is for imap/localhost@${testRealm}`);
    expect(await shown(authenticator, await ticket('bob', 'HTTP@other'))).toMatchObject({ name: 'bob' });
    const strict = await open({ services: ['HTTP/localhost'] });
    expect(await shown(strict, await ticket('bob', 'HTTP@other'))).toBe('unauthorized');
    expect(await shown(strict, await ticket('bob', 'HTTP@localhost'))).toMatchObject({ name: 'bob' });
  });

  it('of another realm is refused, or keeps its name where the settings trust it', async () => {
    const token = (): Promise<string> => ticket(`eve@${otherRealm}`, 'HTTP@localhost');
    expect(await shown(await open(), await token())).toBe('unauthorized');
    expect(logins[0]?.reason).toMatch(/realm OTHER.TEST/);
    expect(await shown(await open({ 'other-realms': [otherRealm] }), await token())).toMatchObject({ name: `eve@${otherRealm}` });
  });

  it('cannot be called what stands for nobody', async () => {
    expect(await shown(await open(), await ticket('unknown', 'HTTP@localhost'))).toBe('unauthorized');
  });

  it('is refused with anything that is no ticket, and the next one is served', async () => {
    const authenticator = await open();
    const good = await ticket('bob', 'HTTP@localhost');
    const bytes = Buffer.from(good, 'base64');
    const broken = Array.from({ length: 40 }, (_, index) => Buffer.from(bytes.map((byte, place) => (createHash('sha256').update(`${index} ${place}`).digest()[0] === 0 ? byte ^ 0x41 : byte))).toString('base64'));
    const cut = Array.from({ length: 10 }, (_, index) => bytes.subarray(0, Math.floor((bytes.length * (index + 1)) / 12)).toString('base64'));
    const odd = ['', 'AAAA', '////', 'TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAGFKAAAADw==', 'YII=', `${'A'.repeat(64)}`, Buffer.alloc(48_000, 0x60).toString('base64'), 'A'.repeat(100_000), 'abc', 'a b c d', `${good}, ${good}`, good.replace('Y', '-')];
    for (const token of [...cut, ...odd]) expect(await shown(authenticator, token)).toBe('unauthorized');
    // Not every byte is protected, but none makes another caller of him.
    for (const token of broken) expect(['unauthorized', 'bob']).toContain(await shown(authenticator, token).then((outcome) => (outcome as { name?: string }).name ?? outcome));
    expect(logins.filter(({ outcome }) => outcome === 'refused').length).toBeGreaterThan(50);
    expect(await shown(authenticator, await ticket('bob', 'HTTP@localhost'))).toMatchObject({ name: 'bob' });
  });

  it('is served with a new key of the service, without a restart', async () => {
    const authenticator = await open();
    const old = await ticket('bob', 'HTTP@localhost');
    await kdc.changeKey('HTTP/localhost');
    expect(await shown(authenticator, await ticket('bob', 'HTTP@localhost'))).toMatchObject({ name: 'bob' });
    expect(await shown(authenticator, old)).toMatchObject({ name: 'bob' });
  });

  it('gets no answer of a process that hangs or ends, and one of the next', async () => {
    const fake = path.join(folder, 'acceptor.mjs');
    writeFileSync(fake, `process.on('message', ({ id, token }) => { if (token === 'ZGll') process.exit(1); if (token === 'aGFuZw==') while (true); process.send({ id, name: 'bob@${testRealm}', service: 'HTTP/x@${testRealm}', reply: null }); });\nprocess.send({ ready: true });\n`);
    const settings = kerberosSchema.parse({ 'keytab-file': kdc.keytab, realm: testRealm, 'module-file': module });
    const login = createKerberosLogin(settings, await openAcceptor(settings, { environment: {}, entry: fake, answerTime: 400 }));
    const name = (token: string): Promise<unknown> => login.login(credentials({ authorization: `Negotiate ${token}` })).then((found) => found?.name, (error: unknown) => (error as { code?: string }).code);
    expect(await name('ZGll')).toBe('identity-unavailable');
    expect(await name('Z29vZA==')).toBe('bob');
    expect(await Promise.all([name('aGFuZw=='), name('Z29vZA==')])).toEqual(['identity-unavailable', 'identity-unavailable']);
    expect(await name('Z29vZA==')).toBe('bob');
    await login.close?.();
  });

  it('is who curl says', async () => {
    await using server = await startGuardedServer(await open());
    const env = await kdc.environmentOf('bob');
    const url = `http://localhost:${server.port}/`;
    const { stdout } = await run('curl', ['--silent', '--show-error', '--negotiate', '--user', ':', '--dump-header', '-', url], { env });
    expect(stdout).toMatch(/\nwww-authenticate: Negotiate \S+\r\n[^]*"name":"bob"/i);
    const without = await run('curl', ['--silent', '--output', '/dev/null', '--write-out', '%{http_code}', '--header', 'Authorization: Negotiate AAAA', url], { env });
    expect(without.stdout).toBe('401');
  });

  it.each([
    ['no keytab', { 'keytab-file': '/nowhere/service.keytab' }, /keytab \/nowhere\/service.keytab cannot be read/],
    ['no module', { 'module-file': '/nowhere/kerberos.node' }, /not built: \/nowhere\/kerberos.node/],
    ['a module that is none', { 'module-file': import.meta.filename }, /cannot be loaded/],
  ])('is not waited for with %s: the service does not start', async (_name, changes, message) => {
    await expect(open(changes)).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringMatching(message) });
  });
});

describe('the name of a principal', () => {
  it.each([
    ['bob@R', 'bob'],
    ['bob/admin@R', 'bob/admin'],
    ['bob\\@R@R', 'bob\\@R'],
    ['bob@S', 'bob@S'],
  ])('%s is %s', (principal, name) => {
    expect(callerName(principal, { realm: 'R', 'other-realms': ['S'] })).toBe(name);
  });

  it.each(['bob', '@R', 'bob@', 'bob@r', 'bob@R@T', 'bob\\@R', 'WELLKNOWN/ANONYMOUS@R', 'bob@X'])('%s is nobody\'s', (principal) => {
    expect(() => callerName(principal, { realm: 'R', 'other-realms': ['S'] })).toThrow(/wrong or expired/);
  });
});
