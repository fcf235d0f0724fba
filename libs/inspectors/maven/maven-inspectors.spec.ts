import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { buildZip } from '../__fixtures__/build-zip.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { createRepository, digest, maven, repositoryUrl, sampleFiles, sampleJar, samplePom, stem } from './__fixtures__/sample-repository.js';

const parent = '/test/millrace/parent/7/parent-7.pom';
const other = buildZip([{ name: 'META-INF/MANIFEST.MF', content: 'Manifest-Version: 1.1\r\n\r\n' }]);

/** In its directory and in the local header alike. */
function withOtherCrc(jar: Buffer): Buffer {
  const changed = Buffer.from(jar);
  const central = changed.indexOf('PK\x01\x02', 0, 'latin1');
  changed.writeUInt32LE(1, 14);
  changed.writeUInt32LE(1, central + 16);
  return changed;
}

describe('maven.pom', () => {
  it('approves one that agrees with its path and its checksum file, and tells what it is', async () => {
    const repository = createRepository(sampleFiles());
    await repository.ask(parent);
    expect(await repository.ask(`${stem}.pom`)).toMatchObject({
      verdict: 'Approved',
      inspections: { 'maven.pom': { reason: 'valid POM', annotations: { 'checked-digest': 'sha1', 'declared-by': '.sha1 file' } } },
      metadata: {
        type: 'application/x.maven.pom',
        name: 'test.millrace:sample',
        version: '1.0',
        vendor: 'Millrace',
        license: 'Apache-2.0',
        description: 'A sample.',
        author: 'Ada Lovelace',
        authorEmail: 'ada@example.test',
        purl: 'pkg:maven/test.millrace/sample@1.0?type=pom',
      },
    });
  });

  it('fetches a checksum file by itself, of SHA-1 only where there is nothing stronger, and none when one came before', async () => {
    const repository = createRepository(sampleFiles(), { sidecars: ['sha1', 'sha256'] });
    await repository.ask(`${stem}.pom`);
    expect(repository.consulted).toEqual([`${stem}.pom.sha256`]);
    await repository.ask(`${parent}.sha1`);
    await repository.ask(parent);
    expect(repository.consulted).toHaveLength(1);
    const old = createRepository(sampleFiles());
    await old.ask(`${stem}.pom`);
    expect(old.consulted).toEqual([`${stem}.pom.sha256`, `${stem}.pom.sha512`, `${stem}.pom.sha1`]);
  });

  it('says Unknown when the repository has no checksum file, or only one of MD5', async () => {
    for (const sidecars of [[], ['md5']]) {
      const repository = createRepository(sampleFiles(), { sidecars });
      await repository.ask(`${stem}.pom.md5`);
      expect(await repository.opinion(`${stem}.pom`, 'maven.pom')).toMatch(/^Unknown: the POM is sound, but the repository has no \.sha512, \.sha256 or \.sha1 file/);
    }
  });

  it.each([
    ['of another version', samplePom.replace('<version>1.0<', '<version>1.1<'), 'is that of "test.millrace:sample:1.1", but its URL is that of sample 1.0'],
    ['of another artifact', samplePom.replace('<artifactId>sample<', '<artifactId>other<'), 'is that of "test.millrace:other:1.0"'],
    ['of another group', samplePom.replace('<groupId>test.millrace<', '<groupId>evil.millrace<'), 'is that of "evil.millrace:sample:1.0"'],
    ['with a group that nobody knows', samplePom.replace('<groupId>test.millrace<', '<groupId>${x}<'), 'hangs on properties'],
    ['with a group that stands for itself', samplePom.replace('<groupId>test.millrace<', '<groupId>${x}<').replace('</project>', '<properties><x>${x}</x></properties></project>'), 'hangs on properties'],
    ['without coordinates', '<project><artifactId>sample</artifactId></project>', 'neither a groupId and version'],
    ['without an artifact', '<project/>', 'no artifactId'],
    ['that is a page of HTML', '<html><body/></html>', 'no project element'],
    ['with an entity', `<!DOCTYPE project [<!ENTITY x SYSTEM "file:///etc/passwd">]>${samplePom.slice(38)}`, 'document type declaration'],
    ['that is cut off', samplePom.slice(0, 200), 'not well-formed'],
    ['that is empty', '', 'not well-formed'],
  ])('rejects one %s', async (_case, pom, reason) => {
    const repository = createRepository({ [`${stem}.pom`]: pom });
    expect(await repository.opinion(`${stem}.pom`, 'maven.pom')).toMatch(/^Rejected: /);
    expect(await repository.opinion(`${stem}.pom`, 'maven.pom')).toContain(reason);
  });

  it('reads coordinates that stand in properties, and takes from the path what hangs on another file', async () => {
    const inProperties = samplePom.replace('<version>1.0<', '<version>${revision}${x}<').replace('</project>', '<properties><revision>1.</revision><x>0</x></properties></project>');
    expect(await createRepository({ [`${stem}.pom`]: inProperties }).opinion(`${stem}.pom`, 'maven.pom')).toBe('Approved: valid POM');
    const elsewhere = samplePom.replace('<version>1.0<', '<version>${revision}<');
    expect(await createRepository({ [`${stem}.pom`]: elsewhere }).opinion(`${stem}.pom`, 'maven.pom')).toBe('Approved: valid POM');
    const wrong = samplePom.replace('<version>1.0<', '<version>${project.parent.version}<');
    expect(await createRepository({ [`${stem}.pom`]: wrong }).opinion(`${stem}.pom`, 'maven.pom')).toContain('test.millrace:sample:7');
  });
});

describe('maven.artifact', () => {
  it('approves a jar whose POM was approved and whose checksum file agrees, and tells what the POM and its parent say', async () => {
    const repository = createRepository(sampleFiles());
    await repository.ask(`${stem}.pom`);
    await repository.ask(parent);
    expect(await repository.ask(`${stem}.jar`)).toMatchObject({
      verdict: 'Approved',
      inspections: { 'maven.artifact': { reason: 'valid file', annotations: { 'checked-digest': 'sha1' } } },
      metadata: { type: 'application/java-archive', name: 'test.millrace:sample', version: '1.0', license: 'Apache-2.0', vendor: 'Millrace', purl: 'pkg:maven/test.millrace/sample@1.0' },
    });
    expect((await repository.ask(`${stem}.jar.sha1`)).verdict).toBe('Approved');
  });

  it('fetches a POM that the build had cached', async () => {
    const repository = createRepository(sampleFiles());
    expect(await repository.opinion(`${stem}.jar`, 'maven.artifact')).toBe('Approved: valid file');
    expect(repository.consulted[0]).toBe(`${stem}.pom`);
  });

  it('approves files with a classifier and of other types when a client of Maven repositories asks, and has no say on them otherwise', async () => {
    const file = `${stem}-linux-x86_64.tar.gz`;
    const repository = createRepository({ ...sampleFiles(), [file]: 'any bytes' });
    expect((await repository.ask(file)).metadata).toMatchObject({ purl: 'pkg:maven/test.millrace/sample@1.0?classifier=linux-x86_64&type=tar.gz' });
    expect((await repository.ask(file)).verdict).toBe('Approved');
    expect(Object.keys((await repository.ask(file, { 'user-agent': 'curl/8' })).inspections)).toEqual(['default']);
  });

  it('approves a snapshot by its timestamp', async () => {
    const at = '/test/millrace/sample/1.0-SNAPSHOT/sample-1.0-20260102.030405-6';
    const repository = createRepository({ [`${at}.pom`]: samplePom.replace('>1.0<', '>1.0-SNAPSHOT<'), [`${at}-sources.jar`]: sampleJar });
    expect(await repository.opinion(`${at}-sources.jar`, 'maven.artifact')).toBe('Approved: valid file');
  });

  it('says Unknown without an approved POM and without a checksum file', async () => {
    const alone = createRepository({ [`${stem}.jar`]: sampleJar });
    expect(await alone.opinion(`${stem}.jar`, 'maven.artifact')).toContain('Unknown: the file is sound, but no POM of sample 1.0 was approved');
    const hostilePom = createRepository({ [`${stem}.jar`]: sampleJar, [`${stem}.pom`]: samplePom.replace('>sample<', '>evil<') });
    expect(await hostilePom.opinion(`${stem}.jar`, 'maven.artifact')).toContain('no POM of sample 1.0 was approved');
    const bare = createRepository(sampleFiles(), { consult: false });
    await bare.ask(`${stem}.pom.sha1`);
    await bare.ask(`${stem}.pom`);
    expect(await bare.opinion(`${stem}.jar`, 'maven.artifact')).toContain('Unknown: the file is sound, but the repository has no .sha512');
  });

  it('rejects a jar that its checksum file contradicts, whichever comes first', async () => {
    const repository = createRepository(sampleFiles());
    repository.files.set(`${stem}.jar`, other);
    const reason = "Rejected: the file's sha1 digest is not the one in its .sha1 file";
    expect(await repository.opinion(`${stem}.jar`, 'maven.artifact')).toBe(reason);
    // A file that was refused is not what checksum files are compared with.
    expect((await repository.ask(`${stem}.jar.sha1`)).verdict).toBe('Approved');
    const late = createRepository(sampleFiles(), { consult: false });
    await late.ask(`${stem}.jar`);
    late.files.set(`${stem}.jar.sha1`, Buffer.from(digest('sha1', other)));
    expect(await late.opinion(`${stem}.jar.sha1`, 'maven.checksum')).toMatch(/^Rejected: the \.sha1 file contradicts the file sample-1\.0\.jar that this session was given/);
  });

  it('rejects a jar that the fields of its own answer contradict, and takes nothing else from them', async () => {
    const repository = createRepository(sampleFiles(), { sidecars: [] });
    const request = createRequest(`${repositoryUrl}${stem}.jar`, maven);
    const contradicting: readonly Readonly<Record<string, string>>[] = [{ 'x-checksum-sha256': digest('sha256', other) }, { etag: `"{SHA1{${digest('sha1', other)}}}"` }];
    for (const headers of contradicting) {
      const result = await inspect(request, { bytes: sampleJar, headers }, repository.context);
      expect(result.inspections['maven.artifact']?.reason).toContain("is not the one that the repository's answer names");
    }
    expect((await inspect(request, { bytes: sampleJar, headers: { 'x-checksum-sha256': digest('sha256', sampleJar) } }, repository.context)).verdict).toBe('Rejected');
  });

  it.each([
    ['that is no zip', Buffer.from('<html>not found</html>'), 'not a sound zip'],
    ['that is empty', Buffer.alloc(0), 'not a sound zip'],
    ['that is cut off', sampleJar.subarray(0, sampleJar.length - 20), 'not a sound zip'],
    ['with a name that leads outside', buildZip([{ name: '../evil.class', content: 'x' }]), 'leaves the archive'],
    ['with an absolute name', buildZip([{ name: '/evil.class', content: 'x' }]), 'absolute path'],
    ['with an entry that is encrypted', buildZip([{ name: 'A.class', content: 'x', flags: 0x801 }]), 'encrypted'],
    ['with an entry that has another size', buildZip([{ name: 'A.class', content: 'xyz', size: 2 }]), 'not a sound zip'],
    ['with an entry that has another CRC-32', withOtherCrc(sampleJar), 'its CRC-32 is not the one'],
    ['with more entries than it says', buildZip([{ name: 'A.class', content: 'x' }]).map((byte, at, all) => (at === all.length - 12 ? 9 : byte)) as Buffer, 'not a sound zip'],
    ['with two names for an entry', buildZip([{ name: 'A.class', localName: 'B.class', content: 'x' }]), 'differently'],
    ['that unpacks to far more', buildZip([{ name: 'A.class', content: 'x', size: 80 * 1024 * 1024 }]), 'times its size'],
  ])('rejects a jar %s, whatever its checksum file says', async (_case, jar, reason) => {
    const repository = createRepository({ ...sampleFiles(), [`${stem}.jar`]: jar });
    expect(await repository.opinion(`${stem}.jar`, 'maven.artifact')).toMatch(/^Rejected: /);
    expect(await repository.opinion(`${stem}.jar`, 'maven.artifact')).toContain(reason);
  });

  it('takes files of one name and modes that mean nothing, as honest archives have them', async () => {
    const jar = buildZip([{ name: 'META-INF/', mode: 0o177777 }, { name: 'META-INF/NOTICE', content: 'x' }, { name: 'META-INF/NOTICE', content: 'y' }]);
    const repository = createRepository({ ...sampleFiles(), [`${stem}.jar`]: jar });
    expect((await repository.ask(`${stem}.jar`)).inspections['maven.artifact']).toMatchObject({ opinion: 'Approved', annotations: { files: 2, duplicates: 1 } });
  });

  it('never approves a jar with a byte changed, and never fails otherwise than by an opinion', async () => {
    const repository = createRepository(sampleFiles());
    await repository.ask(`${stem}.pom`);
    await fc.assert(
      fc.asyncProperty(fc.nat(sampleJar.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(sampleJar);
        changed[at] = (changed[at] as number) ^ change;
        repository.files.set(`${stem}.jar`, changed);
        expect(await repository.opinion(`${stem}.jar`, 'maven.artifact')).toMatch(/^Rejected: (?!the inspection failed)/);
      }),
      { numRuns: 100 },
    );
  });

  it('never approves a POM with a byte changed', async () => {
    const bytes = Buffer.from(samplePom);
    const repository = createRepository(sampleFiles());
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ change;
        repository.files.set(`${stem}.pom`, changed);
        expect(await repository.opinion(`${stem}.pom`, 'maven.pom')).toMatch(/^Rejected: (?!the inspection failed)/);
      }),
      { numRuns: 100 },
    );
  });
});

describe('requests', () => {
  it('lets answers without a body and missing files pass, and leaves other methods alone', async () => {
    const context = createContext();
    for (const path of [`${stem}.jar`, `${stem}.pom`, `${stem}.jar.sha1`, `${stem}.module`, '/g/a/maven-metadata.xml', '/distributions/gradle-8.5-bin.zip']) {
      expect((await inspect(createRequest(repositoryUrl + path, maven, 'HEAD'), { bytes: Buffer.alloc(0) }, context)).verdict).toBe('Approved');
      expect(Object.keys((await inspect(createRequest(repositoryUrl + path, maven, 'PUT'), { bytes: Buffer.alloc(0) }, context)).inspections)).toEqual(['default']);
    }
  });
});
