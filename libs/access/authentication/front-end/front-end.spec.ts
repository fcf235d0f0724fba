import { describe, expect, it } from '@jest/globals';
import type { Credentials } from '../../authenticator.js';
import { authenticatorOptions, credentials } from '../__fixtures__/credentials.js';
import { authenticationSchema } from '../authentication-schema.js';
import { createAuthenticator } from '../create-authenticator.js';

const frontEnd = { addresses: ['10.1.0.0/16', '2001:db8::/32'], 'user-header': 'X-Remote-User', realm: 'FARM.TEST' };

async function authenticate(shown: Partial<Credentials>, changes: object = {}, settings: object = { anonymous: true }): Promise<unknown> {
  const authenticator = await createAuthenticator(authenticationSchema.parse({ ...settings, 'front-end': { ...frontEnd, ...changes } }), authenticatorOptions({ environment: { FRONT: 'between us' } }));
  return authenticator.authenticate(credentials({ peerAddress: '10.1.2.3', ...shown })).then((caller) => caller?.principal, (error: unknown) => (error as { code?: string }).code);
}
const basic = `Basic ${Buffer.from('craft:craft').toString('base64')}`;

describe('a front end', () => {
  it.each([
    ['10.1.2.3', 'bob@FARM.TEST', 'bob'],
    ['::ffff:10.1.2.3', 'bob', 'bob'],
    ['2001:db8:1::7', 'bob@OTHER.TEST', 'bob@OTHER.TEST'],
    ['10.1.2.3', 'bob@evil@FARM.TEST', 'bob@evil'],
    ['10.1.2.3', 'bob@FARM.TEST.OTHER', 'bob@FARM.TEST.OTHER'],
    ['10.1.2.3', 'bob@farm.test', 'bob@farm.test'],
  ])('at %s that says %s is believed', async (peerAddress, user, name) => {
    expect(await authenticate({ peerAddress, headers: { 'x-remote-user': [user] } })).toEqual({ name, groups: [], by: 'front-end', scopes: undefined });
  });

  it.each(['10.2.0.1', '::ffff:10.2.0.1', '127.0.0.1', '::1', '2001:db9::1', '', 'fe80::1%eth0'])('is not at %s: its headers are refused where they are all there is', async (peerAddress) => {
    expect(await authenticate({ peerAddress, headers: { 'x-remote-user': ['root'] } })).toBe('unauthorized');
    expect(await authenticate({ peerAddress, headers: { 'x-remote-user': ['root'] }, authorization: basic })).toMatchObject({ name: 'craft', by: 'control' });
    expect(await authenticate({ peerAddress, headers: { 'x-remote-user': ['root'] }, authorization: 'Basic wrong' })).toBe('unauthorized');
    expect(await authenticate({ peerAddress, headers: {} })).toMatchObject({ name: 'unknown' });
  });

  it.each(['Ägidius Ødegård', 'Jürgen'])('tells the name %s in UTF-8, or as Node gives it', async (name) => {
    const bytes = Buffer.from(name).toString('latin1');
    expect(await authenticate({ headers: { 'x-remote-user': [`${bytes}@FARM.TEST`], 'x-groups': [`a,${bytes}`] } }, { 'groups-header': 'x-groups' })).toMatchObject({ name, groups: ['a', name] });
    expect(await authenticate({ headers: { 'x-remote-user': [name] } })).toMatchObject({ name });
  });

  it.each(['\u00a0root', 'root\u00a0', '\ufeffroot', 'root\u2003'])('is not believed that %j is root, nor a group of that name', async (name) => {
    const bytes = Buffer.from(name).toString('latin1');
    for (const user of [name, bytes]) expect(await authenticate({ headers: { 'x-remote-user': [user] } })).toBe('unauthorized');
    expect(await authenticate({ headers: { 'x-remote-user': ['bob'], 'x-groups': [bytes] } }, { 'groups-header': 'x-groups' })).toMatchObject({ groups: [name] });
  });

  it('that authenticated nobody leaves the caller to show something else', async () => {
    for (const value of [[''], ['(null)'], []]) {
      expect(await authenticate({ headers: { 'x-remote-user': value } })).toMatchObject({ by: 'none' });
      expect(await authenticate({ headers: { 'x-remote-user': value }, authorization: basic })).toMatchObject({ by: 'control' });
      expect(await authenticate({ headers: { 'x-remote-user': value } }, {}, {})).toBeUndefined();
    }
  });

  it('is believed before what it passes on of the client', async () => {
    expect(await authenticate({ headers: { 'x-remote-user': ['bob'] }, authorization: 'Negotiate abc' })).toMatchObject({ name: 'bob' });
    expect(await authenticate({ headers: { 'x-remote-user': ['bob'] }, authorization: basic })).toMatchObject({ name: 'bob' });
  });

  it.each([[['root', 'bob']], [['bob', 'bob']], [['unknown']], [['bob\u0007']], [['\u202eroot']]])('that lets %j through is not believed', async (values) => {
    expect(await authenticate({ headers: { 'x-remote-user': values } })).toBe('unauthorized');
  });

  it('gives groups and scopes in headers of its own', async () => {
    const headers = { 'x-remote-user': ['bob'], 'x-groups': ['packagers; builders ;;packagers'], 'x-scopes': ['new-compose  read'] };
    expect(await authenticate({ headers }, { 'groups-header': 'X-Groups', 'groups-separator': ';', 'scopes-header': 'X-Scopes' })).toEqual({ name: 'bob', groups: ['packagers', 'builders'], by: 'front-end', scopes: ['new-compose', 'read'] });
    expect(await authenticate({ headers: { 'x-remote-user': ['bob'] } }, { 'groups-header': 'X-Groups', 'scopes-header': 'X-Scopes' })).toEqual({ name: 'bob', groups: [], by: 'front-end', scopes: [] });
    expect(await authenticate({ headers: { ...headers, 'x-groups': ['a', 'admins'] } }, { 'groups-header': 'X-Groups' })).toBe('unauthorized');
  });

  it('gives the subject of a certificate that it has verified', async () => {
    const settings = { 'user-header': undefined, 'certificate-subject-header': 'X-Subject', 'certificate-verify-header': 'X-Verify' };
    const shown = (verify: string, subject = 'CN=builder,O=Farm'): Partial<Credentials> => ({ headers: { 'x-subject': [subject], 'x-verify': [verify] } });
    expect(await authenticate(shown('SUCCESS'), settings)).toMatchObject({ name: 'CN=builder,O=Farm', by: 'front-end' });
    expect(await authenticate(shown('NONE', '(null)'), settings)).toMatchObject({ by: 'none' });
    for (const verify of ['GENEROUS', 'FAILED:expired', '', 'success']) expect(await authenticate(shown(verify), settings)).toBe('unauthorized');
    expect(await authenticate({ ...shown('SUCCESS'), peerAddress: '10.9.9.9' }, settings)).toBe('unauthorized');
  });

  it('with a secret is believed with that secret only', async () => {
    const settings = { 'secret-header': 'X-Between', secret: { env: 'FRONT' } };
    const from = (value: string[]): Partial<Credentials> => ({ headers: { 'x-remote-user': ['bob'], 'x-between': value } });
    expect(await authenticate(from(['between us']), settings)).toMatchObject({ name: 'bob' });
    for (const value of [['between u'], [''], [], ['between us', 'between us']]) expect(await authenticate(from(value), settings)).toBe('unauthorized');
    await expect(authenticate(from([]), { 'secret-header': 'X-Between', secret: { env: 'NOTHING' } })).rejects.toMatchObject({ code: 'invalid-setting' });
  });
});
