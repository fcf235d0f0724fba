import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, TLSSocket, type ConnectionOptions } from 'node:tls';
import { openCertificateAuthority, type CertificateAuthority } from './certificate-authority.js';
import { buildAuthorityCertificate } from './certificate-builder.js';
import { createSecureContexts, type SecureContexts } from './secure-contexts.js';

let home: string;
let authority: CertificateAuthority;
let server: Server | undefined;

beforeAll(() => {
  home = mkdtempSync(path.join(tmpdir(), 'millrace-contexts-'));
  authority = openCertificateAuthority({ home });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
afterEach(async () => {
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

/** A server that answers each connection with the context for `hostname`, as the proxy does after a CONNECT. */
async function serve(contexts: SecureContexts, hostname: string): Promise<number> {
  server = createServer((socket) => {
    const secure = new TLSSocket(socket, { isServer: true, secureContext: contexts.get(hostname) });
    secure.on('error', () => undefined);
    secure.write('hello');
    secure.on('data', () => secure.end());
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

interface Seen {
  readonly reused: boolean;
  readonly protocol: string | null;
  readonly session: Buffer | undefined;
}

function handshake(port: number, options: ConnectionOptions): Promise<Seen> {
  return new Promise((resolve, reject) => {
    let session: Buffer | undefined;
    const socket = connect({ host: '127.0.0.1', port, servername: 'example.org', ca: authority.certificatePem, ...options });
    socket.on('session', (value: Buffer) => (session = value));
    socket.once('data', () => socket.write('x'));
    socket.on('error', reject).on('close', () => resolve({ reused, protocol, session }));
    let protocol: string | null = null;
    let reused = false;
    socket.once('secureConnect', () => {
      protocol = socket.getProtocol();
      reused = socket.isSessionReused();
    });
  });
}

describe('createSecureContexts', () => {
  it('stays bounded with 10,000 distinct hosts and gives the same context while it is kept', () => {
    // An EC authority signs 15 times as fast as RSA, which is not what this is about.
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const files = { certificateFile: path.join(home, 'ec.pem'), keyFile: path.join(home, 'ec.key') };
    writeFileSync(files.certificateFile, buildAuthorityCertificate(key, 'EC authority', Date.now()));
    writeFileSync(files.keyFile, key.export({ type: 'pkcs8', format: 'pem' }));
    const contexts = createSecureContexts(openCertificateAuthority({ home, ...files }), { max: 50 });
    for (let index = 0; index < 10_000; index += 1) contexts.get(`host-${index}.example.org`);
    expect(contexts.size).toBe(50);
    expect(contexts.get('host-9999.example.org')).toBe(contexts.get('HOST-9999.example.org'));
    expect(contexts.size).toBe(50);
  }, 60_000);

  it('lets go of a context under a connection that has only begun: its handshake, its data and its ticket are not touched', async () => {
    const contexts = createSecureContexts(authority, { max: 1 });
    const evicting: SecureContexts = {
      ...contexts,
      get: (hostname) => {
        const context = contexts.get(hostname);
        setImmediate(() => contexts.get('another.example.org')); // before a byte of the handshake is read
        return context;
      },
    };
    const port = await serve(evicting, 'example.org');
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const first = await handshake(port, { maxVersion });
      expect(first).toMatchObject({ reused: false, protocol: maxVersion });
      expect(await handshake(port, { maxVersion, session: first.session })).toMatchObject({ reused: true });
    }
  });

  it('makes a new certificate before the old one ends, and after the clock jumped back', () => {
    let now = Date.now();
    const clock = (): number => now;
    const contexts = createSecureContexts(openCertificateAuthority({ home, now: clock }), { now: clock });
    const first = contexts.get('example.org');
    now += 380 * 86_400_000;
    expect(contexts.get('example.org')).toBe(first);
    now += 10 * 86_400_000;
    const second = contexts.get('example.org');
    expect(second).not.toBe(first);
    now -= 30 * 86_400_000;
    expect(contexts.get('example.org')).not.toBe(second);
    expect(contexts.size).toBe(1);
  });

  it('refuses what is no host name', () => {
    const contexts = createSecureContexts(authority);
    expect(() => contexts.get('not a host')).toThrow(expect.objectContaining({ code: 'invalid-request' }));
    expect(contexts.size).toBe(0);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes a %s session, also under another context of the same process', async (version) => {
    const contexts = createSecureContexts(authority, { max: 1 });
    const port = await serve(contexts, 'example.org');
    const range = { minVersion: version, maxVersion: version } as const;
    const first = await handshake(port, range);
    expect(first).toMatchObject({ reused: false, protocol: version });
    contexts.get('other.example.org'); // with room for one, this drops the context of the first handshake
    const second = await handshake(port, { ...range, ...(first.session === undefined ? {} : { session: first.session }) });
    expect(second.reused).toBe(true);
  });

  it('does not speak TLS 1.1', async () => {
    const port = await serve(createSecureContexts(authority), 'example.org');
    await expect(handshake(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow();
    expect(await handshake(port, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).toMatchObject({ protocol: 'TLSv1.2' });
  });

  it('is trusted for an address by a client that checks it', async () => {
    const port = await serve(createSecureContexts(authority), '127.0.0.1');
    expect(await handshake(port, { servername: '' })).toMatchObject({ reused: false });
  });
});
