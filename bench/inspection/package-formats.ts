import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { buildTar } from '../../libs/inspectors/__fixtures__/build-tar.js';
import { buildAr } from '../../libs/inspectors/apt/__fixtures__/build-ar.js';
import { createSigningKey, packagesOf, releaseOf, signInline } from '../../libs/inspectors/apt/__fixtures__/sample-repository.js';
import { buildConda, repodataOf } from '../../libs/inspectors/conda/__fixtures__/sample-conda.js';
import { buildRepository } from '../../libs/inspectors/rpm/__fixtures__/repository.js';
import { samplePackage } from '../../libs/inspectors/rpm/__fixtures__/scene.js';
import { buildGem, infoFile } from '../../libs/inspectors/rubygems/__fixtures__/sample-gem.js';
import { fetched, inspectorOf, sourceTree } from './fetched.js';
import { origin, sampleText, type InspectedFormat } from './inspected-format.js';

const gemClient = { 'user-agent': 'Ruby, RubyGems/3.3.15 x86_64-linux Ruby/3.1.2' };
const aptClient = { 'user-agent': 'Debian APT-HTTP/1.3 (2.6.1)' };
const rpmPayload = (): ReturnType<typeof samplePackage> => samplePackage('1.0', { payload: sampleText(32 * 1024 * 1024) });
const debPath = 'pool/main/s/sample/sample_1.0-1_all.deb';

function deb(): Buffer {
  const control = 'Package: millrace-sample\nVersion: 1:1.0-1\nArchitecture: all\nMaintainer: Bench <bench@example.test>\nDescription: sample package\n';
  return buildAr([
    { name: 'debian-binary', content: Buffer.from('2.0\n') },
    { name: 'control.tar.gz', content: gzipSync(buildTar([{ name: './control', content: control }])) },
    { name: 'data.tar.gz', content: gzipSync(buildTar(sourceTree('./usr/share/sample'))) },
  ]);
}

/** Packages of systems and languages that are archives in archives. */
export const packageFormats: readonly InspectedFormat[] = [
  {
    name: 'gem.package',
    inspector: inspectorOf('gem.package'),
    make: async (file) => writeFileSync(file, buildGem({ files: sourceTree('lib') })),
    request: { url: `${origin}/gems/millrace-sample-1.0.0.gem`, headers: gemClient },
    prepare: async (context, bytes) => {
      await fetched(`${origin}/info/millrace-sample`, infoFile(bytes), context, gemClient);
      return context;
    },
    peer: { title: 'tar -xO | zcat', command: 'sh', args: ['-c', 'tar -xOf "$0" data.tar.gz | zcat', '{file}'] },
  },
  {
    name: 'conda.package',
    inspector: inspectorOf('conda.package'),
    make: async (file) => writeFileSync(file, buildConda({ files: sourceTree('share') })),
    request: { url: `${origin}/channel/linux-64/millrace-sample-1.0.0-h123_0.conda` },
    prepare: async (context, bytes) => {
      await fetched(`${origin}/channel/linux-64/repodata.json`, repodataOf({ 'millrace-sample-1.0.0-h123_0.conda': bytes }), context);
      return context;
    },
    peer: { title: 'unzip -t', command: 'unzip', args: ['-tqq', '{file}'] },
  },
  {
    name: 'rpm.package',
    inspector: inspectorOf('rpm.package'),
    make: async (file) => writeFileSync(file, rpmPayload().bytes),
    request: { url: `${origin}/os/${rpmPayload().href}` },
    prepare: async (context) => {
      const repository = buildRepository([rpmPayload()]);
      await fetched(`${origin}/os/repodata/repomd.xml`, repository.repomd, context);
      await fetched(`${origin}/os/${repository.primaryPath}`, repository.primary, context);
      return context;
    },
    peer: { title: 'sha256sum', command: 'sha256sum', args: ['{file}'] },
  },
  {
    name: 'deb',
    inspector: inspectorOf('deb'),
    make: async (file) => writeFileSync(file, deb()),
    request: { url: `${origin}/debian/${debPath}`, headers: aptClient },
    prepare: async (context, bytes) => {
      const key = await createSigningKey();
      const configured = { ...context, configuration: { apt: { repositories: { sample: { urls: ['https://**'], 'public-key': key.publicKey } } } } };
      const packages = packagesOf([{ path: debPath, bytes }]);
      await fetched(`${origin}/debian/dists/stable/InRelease`, await signInline(releaseOf({ 'main/binary-all/Packages': packages }), key), configured, aptClient);
      await fetched(`${origin}/debian/dists/stable/main/binary-all/Packages`, packages, configured, aptClient);
      return configured;
    },
    peer: { title: 'dpkg-deb --fsys-tarfile', command: 'dpkg-deb', args: ['--fsys-tarfile', '{file}'] },
  },
];
