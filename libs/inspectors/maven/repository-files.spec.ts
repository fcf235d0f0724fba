import { describe, expect, it } from '@jest/globals';
import { createMessage, generateKey, readPrivateKey, sign } from 'openpgp';
import { buildZip } from '../__fixtures__/build-zip.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { createRepository, digest, directory, gradle, repositoryUrl, sampleFiles, sampleJar, samplePom, shown, stem } from './__fixtures__/sample-repository.js';
import { parseMetadataPath, parseReleasePath, parseSidecarPath } from './repository-path.js';

const versions = (list: string): string => `<metadata><groupId>test.millrace</groupId><artifactId>sample</artifactId><versioning><versions>${list}</versions></versioning></metadata>`;

describe('repository paths', () => {
  it('are told apart by their file names', () => {
    expect(parseReleasePath('/a/org/example/thing/1.0-rc1/thing-1.0-rc1-sources.jar')).toEqual({
      parents: ['a', 'org', 'example'],
      artifact: 'thing',
      version: '1.0-rc1',
      stem: '/a/org/example/thing/1.0-rc1/thing-1.0-rc1',
      classifier: 'sources',
      extension: 'jar',
    });
    expect(parseReleasePath('/g/a/1/a-1.tar.gz')).toMatchObject({ classifier: '', extension: 'tar.gz' });
    expect(parseReleasePath('/g/a/1.0-SNAPSHOT/a-1.0-20260102.030405-12-tests.jar')).toMatchObject({ stem: '/g/a/1.0-SNAPSHOT/a-1.0-20260102.030405-12', classifier: 'tests' });
    expect(parseReleasePath('/g/a/1%2B2/a-1+2.pom')).toMatchObject({ version: '1+2', stem: '/g/a/1+2/a-1+2' });
    for (const path of ['/a/1/a-1.jar', '/g/a/1/b-1.jar', '/g/a/1/a-2.jar', '/g/a/1/a-1', '/g/a/1/', '/g/../1/a-1.jar', '/g/a%2Fb/1/a-1.jar', '/g//1/-1.jar', '/g/a/1/a-1.%00', '/%zz/a/1/a-1.jar'])
      expect(parseReleasePath(path)).toBeUndefined();
    expect(parseSidecarPath('/g/a/1/a-1.jar.asc.sha1')).toEqual({ subject: '/g/a/1/a-1.jar.asc', kind: 'sha1' });
    expect(parseSidecarPath('/g/a/1/a-1.jar.asc')).toEqual({ subject: '/g/a/1/a-1.jar', kind: 'asc' });
    expect(parseSidecarPath('/somewhere/file.sha256')).toBeUndefined();
    expect(parseMetadataPath('/g/a/maven-metadata.xml')).toEqual(['g', 'a']);
    expect(parseMetadataPath('/maven-metadata.xml')).toBeUndefined();
  });
});

describe('maven.metadata', () => {
  it.each([
    ['the versions of an artifact', '/test/millrace/sample', versions('<version>1.0</version><version>2.0</version>'), 'test.millrace:sample', 2],
    ['the files of a snapshot', '/test/millrace/sample/1-SNAPSHOT', versions('').replace('<versioning>', '<version>1-SNAPSHOT</version><versioning><snapshotVersions><snapshotVersion/></snapshotVersions>'), 'test.millrace:sample', 1],
    ['the versions of an artifact that name the newest', '/test/millrace/sample', versions('<version>1.0</version>').replace('<versioning>', '<version>1.0</version><versioning>'), 'test.millrace:sample', 1],
    ['the plugins of a group', '/test/millrace', '<metadata><plugins><plugin><prefix>x</prefix></plugin></plugins></metadata>', '', 1],
  ])('approves %s', async (_case, place, metadata, name, entries) => {
    const repository = createRepository({ [`${place}/maven-metadata.xml`]: metadata });
    expect(await repository.ask(`${place}/maven-metadata.xml`)).toMatchObject({
      verdict: 'Approved',
      inspections: { 'maven.metadata': { annotations: { entries } } },
      metadata: { type: 'application/x.maven.metadata', name },
    });
    expect(await repository.opinion(`${place}/maven-metadata.xml.sha1`, 'maven.checksum')).toBe('Approved: valid checksum file, its file agrees');
    expect(repository.consulted).toEqual([]);
  });

  it.each([
    ['of another artifact', versions('').replace('>sample<', '>other<'), 'is that of "test.millrace:other"'],
    ['of another group', versions('').replace('>test.millrace<', '>evil<'), 'is that of "evil:sample"'],
    ['of a snapshot of another version', versions('').replace('<versioning>', '<version>2-SNAPSHOT</version><versioning>').replace('>sample<', '>x<'), 'test.millrace:x:2-SNAPSHOT'],
    ['of nothing', '<metadata/>', 'neither a groupId nor plugins'],
    ['that is a page of HTML', '<html/>', 'no metadata element'],
    ['with an entity', '<!DOCTYPE metadata [<!ENTITY a "b">]><metadata/>', 'document type declaration'],
    ['that nests deeply', '<metadata>'.repeat(500), 'nested deeper'],
  ])('rejects one %s', async (_case, metadata, reason) => {
    const repository = createRepository({ '/test/millrace/sample/maven-metadata.xml': metadata });
    expect(await repository.opinion('/test/millrace/sample/maven-metadata.xml', 'maven.metadata')).toContain(reason);
  });

  it('may change while a session lasts; only the checksum file that comes after it counts', async () => {
    const path = '/test/millrace/sample/maven-metadata.xml';
    const repository = createRepository({ [path]: versions('') });
    await repository.ask(`${path}.sha1`);
    repository.files.set(path, Buffer.from(versions('<version>3</version>')));
    expect((await repository.ask(path)).verdict).toBe('Approved');
    expect(await repository.opinion(`${path}.sha1`, 'maven.checksum')).toContain('Rejected: the .sha1 file contradicts the file maven-metadata.xml');
  });
});

describe('maven.checksum', () => {
  const sha1 = digest('sha1', sampleJar);
  it.each([
    ['the digest alone', sha1],
    ['upper case and a line feed', `${sha1.toUpperCase()}\r\n`],
    ['what sha1sum writes', `${sha1}  sample-1.0.jar\n`],
    ['a path', `${sha1} */home/build/target/sample-1.0.jar`],
    ['a file without a name', `${sha1}  -\n`],
    ['what openssl writes', `SHA1(sample-1.0.jar)= ${sha1}\n`],
  ])('reads %s', async (_case, text) => {
    const repository = createRepository(sampleFiles());
    repository.files.set(`${stem}.jar.sha1`, Buffer.from(text));
    expect((await repository.ask(`${stem}.jar.sha1`)).verdict).toBe('Approved');
    expect(await repository.opinion(`${stem}.jar`, 'maven.artifact')).toBe('Approved: valid file');
  });

  it.each([
    ['nothing', '', 'holds no sha1 digest'],
    ['a page of HTML', '<html></html>', 'holds no sha1 digest'],
    ['a digest of another length', 'a'.repeat(64), 'holds no sha1 digest'],
    ['a digest and more', `${sha1} sample-1.0.jar evil`, 'holds no sha1 digest'],
    ['two digests', `${sha1}\n${sha1}`, 'holds no sha1 digest'],
    ['the digest of another file', `${sha1}  other-1.0.jar`, 'is that of "other-1.0.jar"'],
    ['far too much', 'a'.repeat(100_000), 'larger than 4096 bytes'],
  ])('rejects %s', async (_case, text, reason) => {
    const repository = createRepository(sampleFiles());
    repository.files.set(`${stem}.jar.sha1`, Buffer.from(text));
    expect(await repository.opinion(`${stem}.jar.sha1`, 'maven.checksum')).toContain('Rejected: ');
    expect(await repository.opinion(`${stem}.jar.sha1`, 'maven.checksum')).toContain(reason);
  });
});

describe('gradle.module', () => {
  const moduleOf = (files: readonly object[], component: object = {}): string =>
    JSON.stringify({ formatVersion: '1.1', component: { group: 'test.millrace', module: 'sample', version: '1.0', ...component }, variants: [{ name: 'api', files }, { name: 'runtime', files }] });
  const declared = { name: 'sample-1.0.jar', url: 'sample-1.0.jar', size: sampleJar.length, sha512: digest('sha512', sampleJar), sha256: digest('sha256', sampleJar), sha1: digest('sha1', sampleJar) };

  it('declares the digests of the files of its release, which then need no checksum file', async () => {
    const repository = createRepository({ [`${stem}.module`]: moduleOf([declared]), [`${stem}.jar`]: sampleJar });
    repository.files.delete(`${stem}.jar.sha1`);
    expect(await repository.ask(`${stem}.module`, gradle)).toMatchObject({
      verdict: 'Approved',
      metadata: { type: 'application/x.gradle.module', name: 'test.millrace:sample', version: '1.0', purl: 'pkg:maven/test.millrace/sample@1.0?type=module' },
    });
    expect(await repository.ask(`${stem}.jar`, gradle)).toMatchObject({
      verdict: 'Approved',
      inspections: { 'maven.artifact': { annotations: { 'checked-digest': 'sha512', 'declared-by': 'Gradle module metadata' } } },
    });
  });

  it('contradicts a file that was changed together with its checksum file', async () => {
    const changed = buildZip([{ name: 'A', content: 'evil' }]);
    const repository = createRepository({ [`${stem}.module`]: moduleOf([declared]), [`${stem}.jar`]: changed, [`${stem}.pom`]: samplePom });
    await repository.ask(`${stem}.module`, gradle);
    expect(await repository.opinion(`${stem}.jar`, 'maven.artifact')).toContain("Rejected: the file's sha512 digest is not the one that the Gradle module metadata");
  });

  it('does not take the place of what the POM told', async () => {
    const repository = createRepository({ ...sampleFiles(), [`${stem}.module`]: moduleOf([declared]) });
    await repository.ask(`${stem}.pom`, gradle);
    await repository.ask(`${stem}.module`, gradle);
    expect((await repository.ask(`${stem}.jar`, gradle)).metadata.description).toBe('A sample.');
  });

  it('is fine for a platform when it speaks of the root module', async () => {
    const at = '/test/millrace/sample-jvm/1.0/sample-jvm-1.0.module';
    expect(await createRepository({ [at]: moduleOf([], { url: '../../sample/1.0/sample-1.0.module' }) }).opinion(at, 'gradle.module')).toBe('Approved: valid Gradle module metadata');
  });

  it.each([
    ['of another version', moduleOf([], { version: '2' }), 'are those of "test.millrace:sample:2"'],
    ['of another group', moduleOf([], { group: 'evil' }), 'are those of "evil:sample:1.0"'],
    ['of another module', moduleOf([], { module: 'other' }), 'are those of "test.millrace:other:1.0"'],
    ['of another format', '{"formatVersion":"2.0"}', 'of format 1'],
    ['without a component', '{"formatVersion":"1.1"}', 'no component'],
    ['with a digest that is none', moduleOf([{ ...declared, sha256: 'x' }]), 'sha256 digest that is none'],
    ['with two digests of a file', moduleOf([declared, { ...declared, sha1: 'a'.repeat(40) }]), 'two digests'],
    ['with variants that are no list', JSON.stringify({ ...(JSON.parse(moduleOf([])) as object), variants: 1 }), 'no list of variants'],
    ['with a file that is none', moduleOf([[]]), 'no object'],
    ['that nests deeply', '['.repeat(10_000), 'nested deeper'],
    ['that is cut off', moduleOf([declared]).slice(0, 100), 'not valid JSON'],
  ])('rejects one %s', async (_case, module, reason) => {
    const repository = createRepository({ [`${stem}.module`]: module });
    const result = shown((await repository.ask(`${stem}.module`, gradle)).inspections['gradle.module']);
    expect(result).toContain('Rejected: ');
    expect(result).toContain(reason);
  });
});

describe('maven.signature', () => {
  async function key(): Promise<{ readonly publicKey: string; readonly sign: (bytes: Buffer) => Promise<string> }> {
    const { privateKey, publicKey } = await generateKey({ userIDs: [{ name: 'Ada' }], type: 'ecc' });
    return { publicKey, sign: async (bytes) => sign({ message: await createMessage({ binary: bytes }), signingKeys: await readPrivateKey({ armoredKey: privateKey }), detached: true }) };
  }

  it('approves a well-formed OpenPGP signature and tells whose it is', async () => {
    const armored = await (await key()).sign(sampleJar);
    const repository = createRepository({ [`${stem}.jar.asc`]: armored });
    const result = await repository.ask(`${stem}.jar.asc`);
    expect(result).toMatchObject({ verdict: 'Approved', metadata: { type: 'application/pgp-signature', name: 'sample-1.0.jar' } });
    expect(result.inspections['maven.signature']?.annotations?.['issuers']).toEqual([expect.stringMatching(/^[0-9A-F]{16}$/)]);
    expect((await repository.ask(`${stem}.jar.asc.sha1`)).verdict).toBe('Approved');
    repository.files.set(`${stem}.jar.asc`, Buffer.from(armored.replace('\n\n', '\n\nAAAA')));
    expect(await repository.opinion(`${stem}.jar.asc`, 'maven.signature')).toContain('Rejected: ');
  });

  it('is verified with its file by the keys of the configuration, and then proves it without a checksum file', async () => {
    const { publicKey, sign: signed } = await key();
    const files = { ...sampleFiles(), [`${stem}.pom.asc`]: await signed(Buffer.from(samplePom)), [`${stem}.jar.asc`]: await signed(sampleJar) };
    const repository = createRepository(files, { sidecars: [], configuration: { maven: { 'public-key': publicKey } } });
    expect(await repository.ask(`${stem}.jar`)).toMatchObject({
      verdict: 'Approved',
      inspections: { 'maven.artifact': { annotations: { 'declared-by': '.asc file' } } },
      metadata: { signedBy: expect.stringMatching(/^openpgp:[0-9A-F]{40}$/) },
    });
    repository.files.set(`${stem}.jar`, buildZip([{ name: 'A', content: 'evil' }]));
    expect(await repository.opinion(`${stem}.jar`, 'maven.artifact')).toMatch(/^Rejected: the file is not what its \.asc file signs: [0-9A-F]{16}: /);
  });

  it('proves nothing by a key that is not configured, and refuses a configuration that is wrong', async () => {
    const [{ publicKey }, { sign: signed }] = await Promise.all([key(), key()]);
    const files = { ...sampleFiles(), [`${stem}.pom.asc`]: await signed(Buffer.from(samplePom)) };
    const stranger = createRepository(files, { sidecars: [], configuration: { maven: { 'public-key': publicKey } } });
    expect(await stranger.opinion(`${stem}.pom`, 'maven.pom')).toMatch(/^Unknown: /);
    for (const wrong of ['no key', 1]) {
      const repository = createRepository(files, { configuration: { maven: { 'public-key': wrong } } });
      expect(await repository.opinion(`${stem}.pom`, 'maven.pom')).toContain("Rejected: the session's inspectors-configuration is wrong: maven.public-key");
    }
  });

  it.each([['a page of HTML', '<html/>'], ['nothing', ''], ['an empty armour', '-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n'], ['too much', 'x'.repeat(70_000)]])('rejects %s', async (_case, text) => {
    expect(await createRepository({ [`${stem}.jar.asc`]: text }).opinion(`${stem}.jar.asc`, 'maven.signature')).toMatch(/^Rejected: (?!the inspection failed)/);
  });
});

describe('gradle.distribution', () => {
  const path = '/distributions/gradle-8.5-bin.zip';
  const zip = buildZip([{ name: 'gradle-8.5/bin/gradle', content: '#!/bin/sh\n' }]);
  const ask = async (bytes: Buffer, sidecar: Buffer): Promise<string> => {
    const context = createContext();
    await inspect(createRequest(`${repositoryUrl}${path}.sha256`), { bytes: Buffer.from(digest('sha256', sidecar)) }, context);
    return shown((await inspect(createRequest(repositoryUrl + path, { 'user-agent': 'gradlew/8.5' }), { bytes }, context)).inspections['gradle.distribution']);
  };

  it('approves one whose checksum file agrees', async () => {
    expect(await ask(zip, zip)).toBe('Approved: valid Gradle distribution');
  });

  it('rejects one that was changed, one of another version and what is none', async () => {
    const changed = buildZip([{ name: 'gradle-8.5/bin/gradle', content: '#!/bin/evil\n' }]);
    expect(await ask(changed, zip)).toContain("sha256 digest is not the one in its .sha256 file");
    const older = buildZip([{ name: 'gradle-8.4/bin/gradle', content: '' }]);
    expect(await ask(older, older)).toContain('outside of gradle-8.5');
    expect(await ask(Buffer.from('<html>'), zip)).toContain('not a sound zip');
  });

  it('says Unknown without a checksum file', async () => {
    const result = await inspect(createRequest(repositoryUrl + path), { bytes: zip }, createContext());
    expect(shown(result.inspections['gradle.distribution'])).toMatch(/^Unknown: .*has no \.sha512/);
  });
});

it('takes nothing of a snapshot directory for another', () => {
  expect(parseReleasePath(`${directory}-SNAPSHOT/sample-1.0-SNAPSHOT.jar`)?.stem).toBe(`${directory}-SNAPSHOT/sample-1.0-SNAPSHOT`);
});
