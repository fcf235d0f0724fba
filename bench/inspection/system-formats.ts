import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { buildTgz } from '../../libs/inspectors/__fixtures__/build-tar.js';
import { buildZip } from '../../libs/inspectors/__fixtures__/build-zip.js';
import { createRequest, inspect } from '../../libs/inspectors/__fixtures__/exchange.js';
import { createSigningKey, releaseOf, signInline } from '../../libs/inspectors/apt/__fixtures__/sample-repository.js';
import { commit, entry, fetchAnswer, fetchRequest, object, pack, packetLine, tree } from '../../libs/inspectors/git/__fixtures__/build-pack.js';
import { digest, maven, samplePom, sampleParent, stem } from '../../libs/inspectors/maven/__fixtures__/sample-repository.js';
import { descriptor, imageManifestType, sampleBlob } from '../../libs/inspectors/oci/__fixtures__/sample-image.js';
import { data } from '../../libs/inspectors/rpm/__fixtures__/repository.js';
import { fetched, inspectorOf, sourceTree } from './fetched.js';
import { origin, sampleText, type InspectedFormat } from './inspected-format.js';

const mebibyte = 1024 * 1024;
const tree64 = (): ReturnType<typeof sourceTree> => sourceTree('files');

/** 60,000 packages, as many as a large distribution has. */
const packageCount = 60_000;

function primaryXml(): string {
  const packages = Array.from({ length: packageCount }, (_, index) => {
    const checksum = digest('sha256', `package ${index}`);
    return `<package type="rpm"><name>package${index}</name><arch>x86_64</arch><version epoch="0" ver="1.${index}" rel="1"/><checksum type="sha256" pkgid="YES">${checksum}</checksum><summary>A package</summary><description>${sampleText(300, index).toString()}</description><location href="Packages/p/package${index}-1.${index}-1.x86_64.rpm"/><format><rpm:license>MIT</rpm:license><rpm:provides><rpm:entry name="package${index}" flags="EQ" epoch="0" ver="1.${index}" rel="1"/></rpm:provides></format></package>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?><metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="${packageCount}">${packages.join('\n')}</metadata>`;
}

function packagesIndex(): Buffer {
  const paragraphs = Array.from({ length: packageCount }, (_, index) =>
    [`Package: package${index}`, `Version: 1.${index}-1`, 'Architecture: amd64', `Description: ${sampleText(200, index).toString()}`, `Filename: pool/main/p/package${index}_1.${index}-1_amd64.deb`, 'Size: 1000', `SHA256: ${digest('sha256', `package ${index}`)}`].join('\n'),
  );
  return gzipSync(`${paragraphs.join('\n\n')}\n`);
}

const blobs = (): ReturnType<typeof object>[] => tree64().map(({ content }) => object('blob', content));
const gitTree = (files: ReturnType<typeof blobs>) => tree(files.map(({ id }, index): [string, string, string] => ['100644', `file${String(index).padStart(2, '0')}.txt`, id]));
const gitTip = (files: ReturnType<typeof blobs>) => commit(gitTree(files).id);

export const systemFormats: readonly InspectedFormat[] = [
  {
    name: 'maven.artifact',
    inspector: inspectorOf('maven.artifact'),
    make: async (file) => writeFileSync(file, buildZip([{ name: 'META-INF/MANIFEST.MF', content: 'Manifest-Version: 1.0\r\n\r\n' }, ...tree64()])),
    request: { url: `${origin}/maven2${stem}.jar`, headers: maven },
    prepare: async (context, bytes) => {
      for (const [path, document] of [['/test/millrace/parent/7/parent-7.pom', sampleParent], [`${stem}.pom`, samplePom]] as const) {
        await fetched(`${origin}/maven2${path}.sha1`, digest('sha1', document), context, maven);
        await fetched(`${origin}/maven2${path}`, document, context, maven);
      }
      await fetched(`${origin}/maven2${stem}.jar.sha1`, digest('sha1', bytes), context, maven);
      return context;
    },
    peer: { title: 'unzip -t', command: 'unzip', args: ['-tqq', '{file}'] },
  },
  {
    name: 'rpm.metadata',
    inspector: inspectorOf('rpm.metadata'),
    make: async (file) => writeFileSync(file, gzipSync(primaryXml())),
    request: { url: `${origin}/os/repodata/primary.xml.gz` },
    prepare: async (context, bytes) => {
      await fetched(`${origin}/os/repodata/repomd.xml`, `<?xml version="1.0" encoding="UTF-8"?><repomd><revision>1</revision>${data('primary', { path: 'repodata/primary.xml.gz', packed: bytes })}</repomd>`, context);
      return context;
    },
    peer: { title: 'python3 iterparse', command: 'python3', args: ['-c', 'import gzip,sys,xml.etree.ElementTree as e\nfor _,x in e.iterparse(gzip.open(sys.argv[1])): x.clear()', '{file}'] },
  },
  {
    name: 'apt.packages',
    inspector: inspectorOf('apt.packages'),
    make: async (file) => writeFileSync(file, packagesIndex()),
    request: { url: `${origin}/debian/dists/stable/main/binary-amd64/Packages.gz` },
    prepare: async (context, bytes) => {
      const key = await createSigningKey();
      const configured = { ...context, configuration: { apt: { repositories: { sample: { urls: ['https://**'], 'public-key': key.publicKey } } } } };
      await fetched(`${origin}/debian/dists/stable/InRelease`, await signInline(releaseOf({ 'main/binary-amd64/Packages.gz': bytes }), key), configured, { 'user-agent': 'Debian APT-HTTP/1.3 (2.6.1)' });
      return configured;
    },
    peer: { title: 'zcat | grep', command: 'sh', args: ['-c', 'zcat "$0" | grep -c ^Filename', '{file}'] },
  },
  {
    name: 'git.upload-pack',
    inspector: inspectorOf('git.upload-pack'),
    make: async (file) => {
      const files = blobs();
      writeFileSync(file, fetchAnswer(pack([gitTip(files), gitTree(files), ...files].map(entry))));
    },
    request: () => ({ url: `${origin}/mill.git/git-upload-pack`, method: 'POST', body: fetchRequest([gitTip(blobs()).id]) }),
    prepare: async (context) => {
      const refs = packetLine(`${gitTip(blobs()).id} HEAD\n`);
      const request = { ...createRequest(`${origin}/mill.git/git-upload-pack`, {}, 'POST'), body: Buffer.concat([packetLine('command=ls-refs\n'), Buffer.from('0001'), packetLine('peel\n'), Buffer.from('0000')]) };
      const { verdict } = await inspect(request, { bytes: Buffer.concat([refs, Buffer.from('0000')]) }, context);
      if (verdict !== 'Approved') throw new Error('the refs were not approved');
      return context;
    },
  },
  {
    name: 'oci.blob',
    inspector: inspectorOf('oci.blob'),
    make: async (file) => writeFileSync(file, buildTgz([{ name: 'random', content: randomBytes(mebibyte) }, ...tree64()])),
    request: (bytes) => ({ url: `${origin}/v2/mill/sample/blobs/sha256:${digest('sha256', bytes)}` }),
    prepare: async (context, bytes) => {
      const layer = sampleBlob(bytes, 'application/vnd.oci.image.layer.v1.tar+gzip');
      const configuration = sampleBlob({ architecture: 'amd64', os: 'linux' }, 'application/vnd.oci.image.config.v1+json');
      const manifest = { schemaVersion: 2, mediaType: imageManifestType, config: descriptor(configuration), layers: [descriptor(layer)] };
      await fetched(`${origin}/v2/mill/sample/manifests/1.0`, JSON.stringify(manifest), context, { 'content-type': imageManifestType });
      return context;
    },
    peer: { title: 'sha256sum', command: 'sha256sum', args: ['{file}'] },
  },
];
