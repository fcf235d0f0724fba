import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { cargoCrateInspector } from '../../libs/inspectors/cargo/cargo-crate-inspector.js';
import { npmPackumentInspector } from '../../libs/inspectors/npm/npm-packument-inspector.js';
import { npmTarballInspector } from '../../libs/inspectors/npm/npm-tarball-inspector.js';
import { pipSdistInspector } from '../../libs/inspectors/python/pip-sdist-inspector.js';
import { pipWheelInspector } from '../../libs/inspectors/python/pip-wheel-inspector.js';
import { buildTgz } from '../../libs/inspectors/__fixtures__/build-tar.js';
import { buildZip } from '../../libs/inspectors/__fixtures__/build-zip.js';
import { fetched, sourceTree } from './fetched.js';
import { origin, sampleText, type InspectedFormat } from './inspected-format.js';


const hash = (algorithm: string, bytes: Buffer, encoding: 'hex' | 'base64' = 'hex'): string => createHash(algorithm).update(bytes).digest(encoding);
const npm = { 'user-agent': 'npm/11.0.0 node/v24.0.0 linux x64', 'content-type': 'application/json' };
const cargo = { 'user-agent': 'cargo/1.95.0 (f2d3ce0bd 2026-03-21)' };
const unpack = { title: 'tar -xzO', command: 'tar', args: ['-xzOf', '{file}'] };

function packument(versions: number): string {
  const manifest = (patch: number): unknown => {
    const version = `1.0.${patch}`;
    return { name: 'sample', version, description: sampleText(600, patch).toString(), dist: { tarball: `${origin}/sample/-/sample-${version}.tgz`, integrity: `sha512-${hash('sha512', Buffer.from(version), 'base64')}` } };
  };
  return JSON.stringify({ name: 'sample', versions: Object.fromEntries(Array.from({ length: versions }, (_, patch) => [`1.0.${patch}`, manifest(patch)])) });
}

function wheel(): Buffer {
  const content = [
    ...sourceTree('sample'),
    { name: 'sample-1.0.0.dist-info/METADATA', content: Buffer.from('Metadata-Version: 2.1\nName: sample\nVersion: 1.0.0\n') },
    { name: 'sample-1.0.0.dist-info/WHEEL', content: Buffer.from('Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n') },
  ];
  const record = content.map(({ name, content: bytes }) => `${name},sha256=${createHash('sha256').update(bytes).digest('base64url')},${bytes.length}\n`).join('');
  return buildZip([...content, { name: 'sample-1.0.0.dist-info/RECORD', content: `${record}sample-1.0.0.dist-info/RECORD,,\n` }]);
}

function pythonIndex(file: string): InspectedFormat['prepare'] {
  return async (context, bytes) => {
    await fetched(
      `${origin}/simple/sample/`,
      JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'sample', versions: ['1.0.0'], files: [{ filename: file, url: `${origin}/files/${file}`, hashes: { sha256: hash('sha256', bytes) } }] }),
      context,
      { 'content-type': 'application/vnd.pypi.simple.v1+json', 'user-agent': 'pip/25.0' },
    );
    return context;
  };
}

export const languageFormats: readonly InspectedFormat[] = [
  {
    name: 'npm.packument',
    inspector: npmPackumentInspector,
    make: async (file) => writeFileSync(file, packument(12_000)),
    request: { url: `${origin}/sample`, headers: npm },
    peer: { title: 'python3 -m json.tool', command: 'python3', args: ['-m', 'json.tool', '{file}', '/dev/null'] },
  },
  {
    name: 'npm.tarball',
    inspector: npmTarballInspector,
    make: async (file) => writeFileSync(file, buildTgz([{ name: 'package/package.json', content: '{"name":"sample","version":"1.0.0"}' }, ...sourceTree('package')])),
    request: { url: `${origin}/sample/-/sample-1.0.0.tgz` },
    prepare: async (context, bytes) => {
      await fetched(
        `${origin}/sample`,
        JSON.stringify({
          name: 'sample',
          versions: { '1.0.0': { name: 'sample', version: '1.0.0', dist: { tarball: `${origin}/sample/-/sample-1.0.0.tgz`, integrity: `sha512-${hash('sha512', bytes, 'base64')}` } } },
        }),
        context,
        npm,
      );
      return context;
    },
    peer: unpack,
  },
  {
    name: 'pip.wheel',
    inspector: pipWheelInspector,
    make: async (file) => writeFileSync(file, wheel()),
    request: { url: `${origin}/files/sample-1.0.0-py3-none-any.whl` },
    prepare: pythonIndex('sample-1.0.0-py3-none-any.whl'),
    peer: { title: 'unzip -t', command: 'unzip', args: ['-tqq', '{file}'] },
  },
  {
    name: 'pip.sdist',
    inspector: pipSdistInspector,
    make: async (file) => writeFileSync(file, buildTgz([{ name: 'sample-1.0.0/PKG-INFO', content: 'Metadata-Version: 2.1\nName: sample\nVersion: 1.0.0\n' }, ...sourceTree('sample-1.0.0')])),
    request: { url: `${origin}/files/sample-1.0.0.tar.gz` },
    prepare: pythonIndex('sample-1.0.0.tar.gz'),
    peer: unpack,
  },
  {
    name: 'cargo.crate',
    inspector: cargoCrateInspector,
    make: async (file) => writeFileSync(file, buildTgz([{ name: 'sample-1.0.0/Cargo.toml', content: '[package]\nname = "sample"\nversion = "1.0.0"\n' }, ...sourceTree('sample-1.0.0')])),
    request: { url: `${origin}/crates/sample/sample-1.0.0.crate` },
    prepare: async (context, bytes) => {
      await fetched(`${origin}/index/config.json`, JSON.stringify({ dl: `${origin}/crates/{crate}/{crate}-{version}.crate` }), context, cargo);
      await fetched(`${origin}/index/sa/mp/sample`, `${JSON.stringify({ name: 'sample', vers: '1.0.0', deps: [], cksum: hash('sha256', bytes), features: {}, yanked: false })}\n`, context, cargo);
      return context;
    },
    peer: unpack,
  },
];
