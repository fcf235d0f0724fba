import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { describeWith } from '../../libs/testing/describe-with.js';
import { kerberosModule } from '../../libs/testing/kerberos-module.js';
import { createOpensslAuthority, type OpensslAuthority } from '../../libs/testing/openssl-authority.js';
import { startKdc, testRealm, type TestKdc } from '../../libs/testing/start-kdc.js';
import { startOpenidProvider, type TestOpenidProvider } from '../../libs/testing/start-openid-provider.js';
import { startComposeService, type ComposeService } from '../composes/compose-service.js';
import { odcsLoginPython } from './odcs-client-python.js';

const run = promisify(execFile);
const program = `
import json, sys
from odcs.client.odcs import AuthMech, ComposeSourceBuild, ODCS
url, login = sys.argv[1], json.loads(sys.argv[2])
odcs = ODCS(url, auth_mech=getattr(AuthMech, login.pop("mech")), **login)
print(odcs.request_compose(ComposeSourceBuild(["hello-1-1"]))["owner"])
`;

describeWith('krb5kdc', 'ODCS\'s own client at a service on TLS', () => {
  let folder: string;
  let python: string;
  let kdc: TestKdc;
  let provider: TestOpenidProvider;
  let authority: OpensslAuthority;
  let service: ComposeService;

  beforeAll(async () => {
    for (const level of ['warn', 'info'] as const) jest.spyOn(console, level).mockImplementation(() => undefined);
    folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-logins-'));
    authority = createOpensslAuthority(folder, 'farm');
    const server = authority.issue('/CN=localhost');
    const [module, started] = await Promise.all([kerberosModule(), startKdc({ users: ['bob'], services: ['HTTP/localhost'] })]);
    kdc = started;
    provider = await startOpenidProvider();
    python = await odcsLoginPython();
    const access = path.join(folder, 'access.yaml');
    writeFileSync(access, `authentication:
  openid-connect: { issuer: "${provider.issuer}", audience: [millrace] }
  kerberos: { keytab-file: ${kdc.keytab}, realm: ${testRealm}, configuration-file: ${kdc.configuration}, module-file: ${module} }
  tls: { certificate-file: ${server.certificate}, key-file: ${server.key}, client-certificates: optional, client-authorities-file: ${authority.certificate} }
authorization:
  composes: { allowed_clients: { users: { bob: , builder: , "CN=robot,O=Farm": } } }
`);
    // No hub: what is asked for is refused after the login, or fails as a compose; the owner is what counts.
    service = await startComposeService({ MILLRACE_ACCESS: access, MILLRACE_KOJI_HUB: 'http://127.0.0.1:1/kojihub', MILLRACE_KOJI_TOPURL: 'http://127.0.0.1:1/koji' });
  }, 300_000);
  afterAll(async () => {
    await service.stop();
    await provider[Symbol.asyncDispose]();
    await kdc.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function owner(login: object): Promise<string> {
    const env = { ...(await kdc.environmentOf('bob')), REQUESTS_CA_BUNDLE: authority.certificate };
    return (await run(python, ['-c', program, `${service.url}/`, JSON.stringify(login)], { env })).stdout.trim();
  }

  it('says https where it listens', () => {
    expect(service.url).toMatch(/^https:\/\/localhost:\d+$/);
  });

  it('is the user of the ticket, of the token, of the certificate', async () => {
    expect(await owner({ mech: 'Kerberos' })).toBe('bob');
    expect(await owner({ mech: 'OpenIDC', openidc_token: await provider.token() })).toBe('builder');
    const robot = authority.issue('/O=Farm/CN=robot');
    expect(await owner({ mech: 'SSL', ssl_cert: robot.certificate, ssl_key: robot.key })).toBe('CN=robot,O=Farm');
  });

  it('is told when it is nobody, or nobody who may ask', async () => {
    await expect(owner({ mech: 'Anonymous' })).rejects.toMatchObject({ stderr: expect.stringContaining('401') });
    await expect(owner({ mech: 'OpenIDC', openidc_token: 'x.y.z' })).rejects.toMatchObject({ stderr: expect.stringContaining('401') });
    const guest = authority.issue('/O=Farm/CN=guest');
    await expect(owner({ mech: 'SSL', ssl_cert: guest.certificate, ssl_key: guest.key })).rejects.toMatchObject({ stderr: expect.stringContaining('403') });
  });
});
