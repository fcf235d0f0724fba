import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createOpensslAuthority, type OpensslAuthority } from '../../../testing/openssl-authority.js';
import type { CertificateFiles } from '../../../testing/test-certificates.js';
import { authenticatorOptions } from '../__fixtures__/credentials.js';
import { startGuardedServer } from '../__fixtures__/guarded-server.js';
import { authenticationSchema } from '../authentication-schema.js';
import { createAuthenticator, type TriedLogin } from '../create-authenticator.js';
import { shownCertificate } from './shown-certificate.js';
import { commonName, distinguishedName } from './subject-name.js';
import { openTlsListener, type TlsListener } from './tls-listener.js';

const run = promisify(execFile);
let folder: string;
let authority: OpensslAuthority;
let stranger: OpensslAuthority;
let server: CertificateFiles;
let client: CertificateFiles;
const closing: (() => Promise<void> | void)[] = [];
const logins: TriedLogin[] = [];

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-certificates-'));
  authority = createOpensslAuthority(folder, 'farm');
  stranger = createOpensslAuthority(folder, 'stranger');
  server = authority.issue('/CN=localhost');
  client = authority.issue('/O=Example/OU=farm/CN=builder');
});
afterEach(async () => {
  logins.length = 0;
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Listening {
  readonly port: number;
  readonly listener: TlsListener;
}

async function listen(changes: object = {}, settings: object = {}): Promise<Listening> {
  const tls = { 'certificate-file': server.certificate, 'key-file': server.key, 'client-certificates': 'optional', 'client-authorities-file': authority.certificate, ...changes };
  const parsed = authenticationSchema.parse({ tls, ...settings });
  const authenticator = await createAuthenticator(parsed, authenticatorOptions({ onLogin: (login) => void logins.push(login) }));
  const listener = await openTlsListener(parsed.tls ?? (undefined as never), { environment: {}, onProblem: () => undefined });
  const running = https.createServer(listener.options);
  listener.attach(running);
  const guarded = await startGuardedServer(authenticator, running);
  closing.push(() => listener.close(), async () => guarded[Symbol.asyncDispose]());
  return { port: guarded.port, listener };
}

interface Answer {
  readonly status: number | undefined;
  readonly name: string | undefined;
}

function ask(port: number, files?: CertificateFiles, more: https.RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const shown = files === undefined ? {} : { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
    const request = https.get({ host: 'localhost', port, ca: readFileSync(authority.certificate), agent: false, ...shown, ...more }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode, name: text.startsWith('{') ? (JSON.parse(text) as { name: string }).name : undefined });
      });
    });
    request.on('error', reject);
  });
}

describe('a client with a certificate', () => {
  it('is the subject, or its common name', async () => {
    expect(await ask((await listen()).port, client)).toEqual({ status: 200, name: 'CN=builder,OU=farm,O=Example' });
    expect(await ask((await listen({}, { 'certificate-name': 'common-name' })).port, client)).toEqual({ status: 200, name: 'builder' });
    expect(logins).toMatchObject([{ by: 'certificate', outcome: 'accepted' }, { by: 'certificate', outcome: 'accepted' }]);
  });

  it('may show something else instead, and may show none', async () => {
    const { port } = await listen({}, { anonymous: true });
    expect(await ask(port)).toEqual({ status: 200, name: 'unknown' });
    expect(await ask(port, client, { auth: 'craft:craft' })).toEqual({ status: 200, name: 'craft' });
    expect(await ask(port, client, { auth: 'craft:wrong' })).toEqual({ status: 401, name: undefined });
    expect(await ask((await listen()).port)).toEqual({ status: 401, name: undefined });
  });

  it('of a stranger, of itself, or of the past is refused, not taken for nobody', async () => {
    const { port } = await listen({}, { anonymous: true });
    const self = { certificate: path.join(folder, 'self.pem'), key: path.join(folder, 'self.key') };
    await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-subj', '/O=Example/OU=farm/CN=builder', '-keyout', self.key, '-out', self.certificate]);
    for (const files of [stranger.issue('/O=Example/OU=farm/CN=builder'), self, authority.issue('/CN=late', { days: 0 })]) expect(await ask(port, files)).toEqual({ status: 401, name: undefined });
    expect(logins.map(({ reason }) => reason)).toEqual([expect.stringMatching(/UNABLE_TO_|unable to/i), expect.stringMatching(/SELF_SIGNED|UNABLE_TO/i), expect.stringMatching(/EXPIRED/i)]);
    expect(await ask(port, stranger.issue('/CN=x'), { auth: 'craft:craft' })).toEqual({ status: 200, name: 'craft' });
  });

  it('that was revoked is refused from the next connection on, and on the connection that it had', async () => {
    const list = path.join(folder, 'list.pem');
    copyFileSync(authority.revocationList(), list);
    const other = authority.issue('/CN=revoked');
    const { port, listener } = await listen({ 'revocation-lists-file': list });
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    closing.push(() => agent.destroy());
    expect(await ask(port, other, { agent })).toEqual({ status: 200, name: 'CN=revoked' });
    authority.revoke(other);
    copyFileSync(authority.revocationList(), list);
    expect(await listener.refresh()).toBe(true);
    expect(await ask(port, other, { agent }).catch(() => ask(port, other, { agent }))).toEqual({ status: 401, name: undefined });
    expect(await ask(port, other)).toEqual({ status: 401, name: undefined });
    expect(await ask(port, client)).toEqual({ status: 200, name: 'CN=builder,OU=farm,O=Example' });
    expect(await listener.refresh()).toBe(false);
  });

  it('is told to connect anew when authorities or lists have changed, and not for a new certificate of the server', async () => {
    const list = path.join(folder, 'moving-list.pem');
    const files = { certificate: path.join(folder, 'renewed.pem'), key: path.join(folder, 'renewed.key') };
    const put = (from: CertificateFiles): void => {
      copyFileSync(from.certificate, files.certificate);
      copyFileSync(from.key, files.key);
    };
    put(server);
    copyFileSync(authority.revocationList(), list);
    const { port, listener } = await listen({ 'certificate-file': files.certificate, 'key-file': files.key, 'revocation-lists-file': list });
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: readFileSync(authority.certificate), cert: readFileSync(client.certificate), key: readFileSync(client.key) });
    closing.push(() => void socket.destroy());
    // With each request the next one begins: a connection in use is not closed by a change.
    const answerTo = async (text: string): Promise<string> => {
      socket.write(`${text}\r\nGET / HTTP/1.1\r\nHost: localhost\r\n`);
      return String((await once(socket, 'data') as [Buffer])[0]);
    };
    expect(await answerTo('GET / HTTP/1.1\r\nHost: localhost\r\n')).toMatch(/^HTTP\/1.1 200 /);
    put(authority.issue('/CN=localhost'));
    expect(await listener.refresh()).toBe(true);
    expect(await answerTo('')).toMatch(/^HTTP\/1.1 200 (?![^]*connection: close)/i);
    authority.revoke(authority.issue('/CN=other'));
    copyFileSync(authority.revocationList(), list);
    expect(await listener.refresh()).toBe(true);
    expect(await answerTo('')).toMatch(/^HTTP\/1.1 401 [^]*connection: close/i);
  });

  it('is refused when it has expired since the connection was made', () => {
    const late = authority.issue('/CN=late', { days: 0 });
    const socket = { authorized: true, getPeerX509Certificate: () => new X509Certificate(readFileSync(late.certificate)) } as TLSSocket;
    expect(shownCertificate(socket)).toMatchObject({ subject: 'CN=late', problem: 'CERT_HAS_EXPIRED' });
  });

  it('is refused while the revocation list is too old, or of another authority', async () => {
    const list = path.join(folder, 'old.pem');
    copyFileSync(authority.revocationList({ expired: true }), list);
    expect(await ask((await listen({ 'revocation-lists-file': list })).port, client)).toMatchObject({ status: 401 });
    copyFileSync(stranger.revocationList(), list);
    expect(await ask((await listen({ 'revocation-lists-file': list })).port, client)).toMatchObject({ status: 401 });
    writeFileSync(list, `${readFileSync(stranger.revocationList(), 'utf8')}\n${readFileSync(authority.revocationList(), 'utf8')}`);
    expect(await ask((await listen({ 'revocation-lists-file': list })).port, client)).toMatchObject({ status: 200 });
  });

  it('is somebody to curl, too', async () => {
    const { port } = await listen();
    const { stdout } = await run('curl', ['--silent', '--cacert', authority.certificate, '--cert', client.certificate, '--key', client.key, `https://localhost:${port}/`]);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'CN=builder,OU=farm,O=Example', by: 'certificate' });
  });
});

describe('the files of TLS', () => {
  it('may change while it listens; what cannot be used is not taken', async () => {
    const files = { certificate: path.join(folder, 'moving.pem'), key: path.join(folder, 'moving.key') };
    const put = (from: CertificateFiles): void => {
      copyFileSync(from.certificate, files.certificate);
      copyFileSync(from.key, files.key);
    };
    put(server);
    const { port, listener } = await listen({ 'certificate-file': files.certificate, 'key-file': files.key });
    put(stranger.issue('/CN=localhost'));
    await listener.refresh();
    await expect(ask(port)).rejects.toThrow(/unable to/);
    expect(await ask(port, undefined, { ca: readFileSync(stranger.certificate) })).toMatchObject({ status: 401 });
    copyFileSync(server.key, files.key);
    await expect(listener.refresh()).rejects.toMatchObject({ code: 'invalid-setting' });
    expect(await ask(port, undefined, { ca: readFileSync(stranger.certificate) })).toMatchObject({ status: 401 });
    put(server);
    await listener.refresh();
    expect(await ask(port)).toMatchObject({ status: 401 });
  });

  it.each([
    ['a file that is not there', (): object => ({ 'key-file': '/nowhere/key' }), /cannot read \/nowhere\/key/],
    ['a key of another certificate', (): object => ({ 'key-file': client.key }), /cannot be used/],
    ['authorities that are none', (): object => ({ 'client-authorities-file': client.key }), /no PEM block CERTIFICATE/],
    ['a list that is none', (): object => ({ 'revocation-lists-file': client.certificate }), /no PEM block X509 CRL/],
  ])('with %s are refused', async (_name, changes, message) => {
    await expect(listen(changes())).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringMatching(message) });
  });

  it('are not read for less than TLS 1.2', async () => {
    await expect(ask((await listen()).port, undefined, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow();
    await expect(ask((await listen({ 'minimum-version': 'TLSv1.3' })).port, undefined, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
  });
});

describe('the subject of a certificate', () => {
  it.each([
    ['/O=Example/OU=farm/CN=builder', 'builder'],
    ['/CN=Jürgen Müller/O=Bäckerei', 'Jürgen Müller'],
    ['/CN=comma\\, plus\\+ quote\\" back\\\\slash/O=#hash', 'comma, plus+ quote" back\\slash'],
    ['/CN=a \\+ b/O=x', 'a + b'],
    ['/CN=one+UID=two/O=x', 'one'],
    ['/CN= padded /O=x', ' padded '],
    ['/DC=test/DC=millrace/CN=builder\nO=Evil', 'builder\nO=Evil'],
    ['/CN=first/CN=second', undefined],
    ['/O=Only', undefined],
  ])('%j is written as Apache writes it', (subject, name) => {
    const files = authority.issue(subject);
    const written = distinguishedName(new X509Certificate(readFileSync(files.certificate)).subject);
    expect(written).toBe(authority.subject(files));
    expect(commonName(written)).toBe(name);
  });
});
