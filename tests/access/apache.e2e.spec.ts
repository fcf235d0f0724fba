import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestGateway, type TestGateway } from '../../apps/gateway/__fixtures__/test-gateway.js';
import { describeWith } from '../../libs/testing/describe-with.js';
import { startKdc, testRealm, type TestKdc } from '../../libs/testing/start-kdc.js';
import { startApache, type TestApache } from './start-apache.js';

const run = promisify(execFile);

describeWith('apache2', 'a gateway behind Apache with Kerberos', () => {
  let folder: string;
  let kdc: TestKdc;
  let gateway: TestGateway;
  let apache: TestApache;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-front-'));
    chmodSync(folder, 0o755);
    kdc = await startKdc({ users: ['bob'], services: ['HTTP/localhost'] });
    // Apache's children read both as another user.
    for (const [from, name] of [[kdc.keytab, 'keytab'], [kdc.configuration, 'krb5.conf']] as const) {
      copyFileSync(from, path.join(folder, name));
      chmodSync(path.join(folder, name), 0o644);
    }
    writeFileSync(path.join(folder, 'secret'), 'between us\n');
    const access = path.join(folder, 'access.yaml');
    writeFileSync(access, `authentication:\n  front-end: { addresses: [127.0.0.1], user-header: X-Remote-User, realm: ${testRealm}, secret-header: X-Front-End, secret: { file: ${folder}/secret } }\nauthorization: {}\n`);
    gateway = await startTestGateway({ environment: { MILLRACE_ACCESS: access } });
    // As docs/how-to/log-in-through-apache.md has it, but that reading needs a login, too.
    apache = await startApache({
      environment: { KRB5_CONFIG: path.join(folder, 'krb5.conf') },
      directives: `AuthType GSSAPI
AuthName "Millrace"
GssapiCredStore keytab:${folder}/keytab
Require valid-user
ProxyPass "http://127.0.0.1:${gateway.port}/"
RequestHeader set X-Remote-User "expr=%{REMOTE_USER}"
RequestHeader set X-Front-End "between us"
RequestHeader unset Authorization`,
    });
  }, 60_000);
  afterAll(async () => {
    await apache[Symbol.asyncDispose]();
    await gateway.close();
    await kdc.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function curl(port: number, ...args: string[]): Promise<{ readonly status: number; readonly body: string }> {
    const { stdout } = await run('curl', ['--silent', '--show-error', '--write-out', '\n%{http_code}', ...args, `http://localhost:${port}/v1/access`], { env: await kdc.environmentOf('bob') });
    const [status, ...body] = stdout.split('\n').reverse();
    return { status: Number(status), body: body.reverse().join('\n') };
  }

  it('knows who has logged in there, whatever else the client says of himself', async () => {
    const told = await curl(apache.port, '--negotiate', '--user', ':', '--header', 'X-Remote-User: root', '--header', 'X-Front-End: mine');
    expect(told.status).toBe(200);
    expect(told.body).toContain('"bob"');
    expect(told.body).not.toContain('root');
  });

  it('knows nobody who has not', async () => {
    expect((await curl(apache.port, '--header', 'X-Remote-User: root')).status).toBe(401);
  });

  it('believes nobody who comes around it', async () => {
    for (const secret of ['X-Front-End: between', 'X-Other: x']) expect((await curl(gateway.port, '--header', `X-Remote-User: bob@${testRealm}`, '--header', secret)).status).toBe(401);
    expect(gateway.log()).toMatch(/x-remote-user came from 127.0.0.1, which is not the front end/);
  });
});
