import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { describeWith } from '../../../testing/describe-with.js';
import { createOpensslAuthority, type OpensslAuthority } from '../../../testing/openssl-authority.js';
import { directoryAdmin, startSlapd, type TestSlapd } from '../../../testing/start-slapd.js';
import { filterFor } from './filter-for.js';
import type { LdapGroups } from './ldap-groups.js';
import { createLdapGroups } from './ldap-groups.js';
import { ldapGroupsSchema } from './ldap-groups-schema.js';

const person = (uid: string, dn = uid): string => `dn: uid=${dn},ou=people,dc=millrace,dc=test\nobjectClass: inetOrgPerson\nuid: ${uid}\ncn: ${uid}\nsn: x\n\n`;
const unit = (name: string): string => `dn: ou=${name},dc=millrace,dc=test\nobjectClass: organizationalUnit\nou: ${name}\n\n`;
const group = (name: string, folder: string, gid: number, ...members: string[]): string =>
  `dn: cn=${name},${folder},dc=millrace,dc=test\nobjectClass: posixGroup\ncn: ${name}\ngidNumber: ${gid}\n${members.map((uid) => `memberUid: ${uid}\n`).join('')}\n`;
const named = (name: string, member: string): string => `dn: cn=${name},ou=named,dc=millrace,dc=test\nobjectClass: groupOfNames\ncn: ${name}\nmember: ${member}\n\n`;

const ldif = [
  ...['people', 'groups', 'secret', 'named'].map(unit),
  ...['bob', 'eve'].map((uid) => person(uid)),
  person('o,ou=admins', 'o\\,ou\\=admins'),
  group('builders', 'ou=groups', 1, 'bob'),
  group('releng', 'ou=groups', 2, 'bob').replace('\n\n', '\ndescription:: asO8cmdlbiooeCk=\n\n'),
  group('admins', 'ou=groups', 3, 'root'),
  group('deeper', 'cn=admins,ou=groups', 4, 'bob'),
  group('trusted', 'ou=secret', 5, 'bob'),
  named('named-bob', 'uid=bob,ou=people,dc=millrace,dc=test'),
  named('named-odd', 'uid=o\\,ou\\=admins,ou=people,dc=millrace,dc=test'),
].join('');
const search = { base: 'ou=groups,dc=millrace,dc=test', filter: '(&(objectClass=posixGroup)(memberUid={user}))' };

describeWith('slapd', 'groups of a directory', () => {
  let folder: string;
  let authority: OpensslAuthority;
  let slapd: TestSlapd;
  const opened: { close(): Promise<void> | void }[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-ldap-'));
    authority = createOpensslAuthority(folder, 'farm');
    slapd = await startSlapd({ ldif, tls: { authority: authority.certificate, ...authority.issue('/CN=localhost') } });
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });
  afterAll(async () => {
    await slapd.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(settings: object = {}, onUnavailable?: (reason: string) => void): LdapGroups {
    const groups = createLdapGroups(ldapGroupsSchema.parse({ url: slapd.url, searches: [search], 'timeout-seconds': 2, ...settings }), { environment: { LDAP_PASSWORD: directoryAdmin.password, WRONG: 'guess' }, ...(onUnavailable === undefined ? {} : { onUnavailable }) });
    opened.push(groups);
    return groups;
  }

  const secure = { tls: {}, 'bind-dn': directoryAdmin.dn, 'bind-password': { env: 'LDAP_PASSWORD' } };
  const secret = { base: 'ou=secret,dc=millrace,dc=test', filter: '(memberUid={user})' };

  it('are the names of what the search finds one level deep', async () => {
    const groups = open();
    expect([...(await groups.groupsOf('bob'))].sort()).toEqual(['builders', 'releng']);
    expect(await groups.groupsOf('nobody')).toEqual([]);
    const described = open({ searches: [{ ...search, filter: '(description={user})' }] });
    expect(await described.groupsOf('jürgen*(x)')).toEqual(['releng']);
    expect(await described.groupsOf('j*')).toEqual([]);
  });

  it('come of several searches, without repetition', async () => {
    const found = await open({ searches: [search, search, { base: 'ou=named,dc=millrace,dc=test', filter: '(member=uid={user-in-dn},ou=people,dc=millrace,dc=test)' }] }).groupsOf('bob');
    expect([...found].sort()).toEqual(['builders', 'named-bob', 'releng']);
  });

  it.each(['*', 'b*', '*)(cn=*', '*)(uid=*', 'bob)(|(cn=*', '*))(|(objectClass=*', 'x)(memberUid=root', '\\2a', '(&)', 'bob\\', '&', '|', '!'])('are not given to whoever calls himself %s', async (name) => {
    expect(await open({ searches: [search, secret, { base: 'ou=named,dc=millrace,dc=test', filter: '(member=uid={user-in-dn},ou=people,dc=millrace,dc=test)' }] }).groupsOf(name)).toEqual([]);
  });

  it('tell a name with the marks of a distinguished name from a place in the directory', async () => {
    const groups = open({ searches: [{ base: 'ou=named,dc=millrace,dc=test', filter: '(member=uid={user-in-dn},ou=people,dc=millrace,dc=test)' }] });
    expect(await groups.groupsOf('o,ou=admins')).toEqual(['named-odd']);
    expect(await groups.groupsOf('bob,ou=people,dc=millrace,dc=test')).toEqual([]);
  });

  it('can be read over TLS with a login, and over StartTLS', async () => {
    const tls = { 'ca-file': authority.certificate };
    expect(await open({ ...secure, url: slapd.tlsUrl, tls, searches: [secret] }).groupsOf('bob')).toEqual(['trusted']);
    expect(await open({ ...secure, url: `ldap://localhost:${slapd.port}`, 'start-tls': true, tls, searches: [secret] }).groupsOf('bob')).toEqual(['trusted']);
    expect(await open({ url: slapd.tlsUrl, tls, searches: [secret] }).groupsOf('bob')).toEqual([]);
  });

  it.each([
    ['another authority', (): object => ({ url: slapd.tlsUrl, tls: {} })],
    ['another name', (): object => ({ url: slapd.tlsUrl, tls: { 'ca-file': authority.certificate, 'server-name': 'other.test' } })],
    ['another name by StartTLS', (): object => ({ url: slapd.url, 'start-tls': true, tls: { 'ca-file': authority.certificate, 'server-name': 'other.test' } })],
    ['another password', (): object => ({ ...secure, url: slapd.tlsUrl, tls: { 'ca-file': authority.certificate }, 'bind-password': { env: 'WRONG' } })],
    ['a base that is not there', (): object => ({ searches: [{ base: 'ou=none,dc=millrace,dc=test', filter: '(cn={user})' }] })],
  ])('are not known with %s', async (_name, settings) => {
    const error = await open(settings()).groupsOf('bob').catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'identity-unavailable' });
    expect(JSON.stringify([error, (error as Error).cause, String((error as Error).cause)])).not.toContain('guess');
  });

  /** Length of its log once nothing is added any more: the log is a pipe, which lags behind the answers. */
  async function endOfLog(): Promise<number> {
    let length = -1;
    while (slapd.log().length !== length) {
      length = slapd.log().length;
      await pause(200);
    }
    return length;
  }

  it('are asked for once for all who wait, on one connection, and again when their time is over', async () => {
    const before = await endOfLog();
    const groups = open({ 'cache-seconds': 3600 });
    await Promise.all(Array.from({ length: 20 }, () => groups.groupsOf('bob')));
    await groups.groupsOf('bob');
    await groups.groupsOf('eve');
    const then = await endOfLog();
    expect(slapd.log().slice(before, then).match(/ ACCEPT /g)).toHaveLength(1);
    expect(slapd.log().slice(before, then).match(/ SRCH base/g)).toHaveLength(2);
    const uncached = open({ 'cache-seconds': 0 });
    await uncached.groupsOf('bob');
    await uncached.groupsOf('bob');
    await endOfLog();
    expect(slapd.log().slice(then).match(/ SRCH base/g)).toHaveLength(2);
  });

  it('are known again after the directory was away, with its login and its TLS', async () => {
    const groups = open({ ...secure, url: `ldap://localhost:${slapd.port}`, 'start-tls': true, tls: { 'ca-file': authority.certificate }, searches: [secret], 'cache-seconds': 0 });
    expect(await groups.groupsOf('bob')).toEqual(['trusted']);
    await slapd.kill();
    await expect(groups.groupsOf('bob')).rejects.toMatchObject({ code: 'identity-unavailable' });
    await slapd.restart();
    expect(await groups.groupsOf('bob')).toEqual(['trusted']);
    await slapd.kill();
    await slapd.restart();
    expect(await groups.groupsOf('bob')).toEqual(['trusted']);
  });

  it('are read on one connection after it was away, however many come at once', async () => {
    const groups = open({ 'cache-seconds': 0 });
    expect(await groups.groupsOf('eve')).toEqual([]);
    await slapd.kill();
    await slapd.restart();
    const before = await endOfLog();
    expect(await Promise.all(Array.from({ length: 10 }, (_, index) => groups.groupsOf(`user-${index}`)))).toEqual(Array(10).fill([]));
    await endOfLog();
    expect(slapd.log().slice(before).match(/ BIND dn=/g)).toHaveLength(1);
  });

  it('are none when the directory is away and the settings say so', async () => {
    const reasons: string[] = [];
    expect(await open({ url: 'ldap://127.0.0.1:1', 'when-unavailable': 'no-groups' }, (reason) => void reasons.push(reason)).groupsOf('bob')).toEqual([]);
    expect(reasons).toEqual([expect.stringContaining('ldap://127.0.0.1:1')]);
  });

  it('are none in the time that a caller has, however long a connection may take', async () => {
    const server: Server = createServer((socket) => void socket.on('error', () => undefined));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push({ close: () => void server.close() });
    expect(await open({ url: `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`, 'timeout-seconds': 60, 'when-unavailable': 'no-groups' }).groupsOf('bob')).toEqual([]);
  });

  it.each([
    ['never answers', (): void => undefined],
    ['speaks another protocol', (socket: { write(text: string): unknown }): unknown => socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>')],
    ['hangs up', (socket: { destroy(): unknown }): unknown => socket.destroy()],
    ['announces more than anybody has', (socket: { write(bytes: Buffer): unknown }): unknown => socket.write(Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]))],
  ])('are not waited for where the directory %s', async (_name, answer) => {
    const server: Server = createServer((socket) => {
      socket.on('error', () => undefined);
      answer(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push({ close: () => void server.close() });
    await expect(open({ url: `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`, 'timeout-seconds': 0.3 }).groupsOf('bob')).rejects.toMatchObject({ code: 'identity-unavailable' });
  });

  it('are looked for with filters that no name can change', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (name) => {
        expect(/^\(uid=(?:[A-Za-z0-9 @._,=+-]|[^\0-\x7f]|\\[0-9a-f]{2})*\)$/.test(filterFor('(uid={user})', name))).toBe(true);
        expect(/^\(m=uid=(?:[A-Za-z0-9@._-]|[^\0-\x7f]|\\5c[0-9a-f]{2})*,ou=x\)$/.test(filterFor('(m=uid={user-in-dn},ou=x)', name))).toBe(true);
      }),
    );
  });
});
