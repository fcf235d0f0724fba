import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { accessSettingsFile } from '../../../libs/access/access-settings.js';
import { createTokenLogin } from '../../../libs/cache-access/token-login.js';
import { readCacheSettings } from '../../../libs/cache-service/cache-settings.js';
import { readSettingsFile } from '../../../libs/settings-file/read-settings-file.js';
import { clientLines } from './client-lines.js';
import { writeSiteFiles, type SiteWish } from './site-files.js';

let directory: string;
beforeEach(() => void (directory = mkdtempSync(path.join(tmpdir(), 'millrace-site-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const wish: SiteWish = { quota: 5_000_000, private: false, pushTokenFile: undefined, tls: undefined };

describe('the files of a small site', () => {
  it('let everybody pull and the holder of the token push, and hold no secret but the token\'s own file', async () => {
    const files = writeSiteFiles(directory, wish);
    const { instances, access, login } = await readCacheSettings({ cacheFile: files.cache });
    const token = readFileSync(files.pushToken, 'utf8');
    expect(instances).toMatchObject([{ name: 'main', quota: { high: 5_000_000 } }]);
    expect(access.get('main')).toMatchObject({ pull: 'anonymous', push: [{ tokens: ['pusher'] }], admin: [] });
    expect(createTokenLogin(login.tokens, Date.now)(token)).toBe('pusher');
    expect(readFileSync(files.cache, 'utf8')).not.toContain(token);
    expect(statSync(files.pushToken).mode & 0o777).toBe(0o600);
    expect(files.access).toBeUndefined();
  });

  it('follow the options of each start, and keep the token', async () => {
    const { pushToken } = writeSiteFiles(directory, wish);
    const token = readFileSync(pushToken, 'utf8');
    const files = writeSiteFiles(directory, { ...wish, private: true, tls: { certificate: '/etc/cert.pem', key: '/etc/key.pem' } });
    expect(readFileSync(pushToken, 'utf8')).toBe(token);
    expect((await readCacheSettings({ cacheFile: files.cache })).access.get('main')).toMatchObject({ pull: 'known' });
    expect((await readSettingsFile(files.access ?? '', accessSettingsFile)).authentication.tls).toMatchObject({ 'certificate-file': '/etc/cert.pem', 'key-file': '/etc/key.pem' });
  });

  it.each([['short', 'secret'], ['of several words', 'x'.repeat(20).concat(' ').repeat(3)], ['empty', '']])('take no token that is %s', (_name, text) => {
    const pushTokenFile = path.join(directory, 'token');
    writeFileSync(pushTokenFile, text);
    expect(() => writeSiteFiles(directory, { ...wish, pushTokenFile })).toThrow(/holds no token of at least 32 characters/);
    expect(() => writeSiteFiles(directory, { ...wish, pushTokenFile: directory })).toThrow(/cannot be kept/);
  });
});

describe('the lines for clients', () => {
  it('name the address, the authority and the file of the token, and never the token', () => {
    const lines = clientLines({ grpc: 'grpcs://cache.example.test:9977', http: 'https://cache.example.test:9999', pushToken: '/srv/cache/push-token', authority: '/srv/cache/ca.pem' });
    expect(lines).toContain('- url: https://cache.example.test:9977\n    push: true\n    auth:\n      server-cert: /srv/cache/ca.pem\n      access-token: /srv/cache/push-token\n');
    expect(lines).toContain('build --remote_cache=grpcs://cache.example.test:9977\nbuild --tls_certificate=/srv/cache/ca.pem\n');
    expect(lines).toContain('\n#   bazel build --remote_header="authorization=Bearer $(cat /srv/cache/push-token)" …\n');
    expect(lines).not.toMatch(/^build.*\$\(/m);
  });

  it('have no credentials for BuildStream where there is no TLS, because it shows none there', () => {
    const lines = clientLines({ grpc: 'grpc://localhost:1', http: 'http://localhost:2', pushToken: '/t', authority: undefined });
    expect(lines).toContain('  - url: http://localhost:1\n\n');
    expect(lines).not.toMatch(/server-cert|access-token|push: true/);
  });
});
