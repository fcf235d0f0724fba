import { beforeAll, describe, expect, it } from '@jest/globals';
import { generateKey } from 'openpgp';
import { buildTgz, type TarFile } from '../__fixtures__/build-tar.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { surviveMutation } from '../oci/__fixtures__/survive-mutation.js';
import { target } from './__fuzz__/chisel-yaml.fuzz.js';

const url = 'https://forge.example/org/chisel-releases/tar.gz/refs/heads/sample-24.04';
const places = { chisel: { urls: ['https://forge.example:443/org/chisel-releases/**'] } };
const archives = 'archives:\n  main:\n    version: 24.04\n    components: [main]\n';
let key = '';
let otherKey = '';

beforeAll(async () => {
  [key, otherKey] = (await Promise.all(
    ['archive', 'other'].map(async (name) => (await generateKey({ type: 'ecc', userIDs: [{ name }], format: 'armored' })).publicKey),
  )) as [string, string];
});

function yamlWith(armor: string): string {
  const lines = armor
    .trim()
    .split(/\r?\n/)
    .map((line) => `      ${line}`);
  return `format: v1\n${archives}public-keys:\n  archive:\n    id: "00"\n    armor: |\n${lines.join('\n')}\n`;
}

function release(yaml: string, more: readonly TarFile[] = []): Buffer {
  return buildTgz([
    { name: 'chisel-releases-sample-24.04/chisel.yaml', content: yaml },
    { name: 'chisel-releases-sample-24.04/slices/libc6.yaml', content: 'package: libc6\n' },
    ...more,
  ]);
}

async function ask(bytes: Buffer, configuration: Record<string, unknown> = places) {
  const { verdict, inspections, metadata } = await inspect(createRequest(url), { bytes }, { ...createContext(), configuration });
  return { verdict, ...inspections['chisel.release'], metadata };
}

describe('chisel.release', () => {
  it('approves a release from a configured place', async () => {
    expect(await ask(release(yamlWith(key)))).toMatchObject({
      verdict: 'Approved',
      annotations: { slices: 1, format: 'v1' },
      metadata: { type: 'application/x.canonical.chisel.release', name: 'chisel-releases-sample-24.04', version: '24.04' },
    });
  });

  it('does not trust another place', async () => {
    for (const configuration of [{}, { chisel: { urls: 'x' } }, { chisel: { urls: ['https://other.example:443/**'] } }]) {
      expect(await ask(release(yamlWith(key)), configuration)).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('"chisel.urls"') });
    }
  });

  it('wants one of the archive keys that are configured for apt', async () => {
    const apt = (armor: string) => ({ ...places, apt: { repositories: { main: { 'public-key': armor } } } });
    expect(await ask(release(yamlWith(key)), apt(key))).toMatchObject({ verdict: 'Approved' });
    expect(await ask(release(yamlWith(key)), apt(otherKey))).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('trusts no archive key') });
    expect(await ask(release(yamlWith(key)), apt('x'))).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining('is not an OpenPGP key') });
  });

  it.each<[string, Buffer]>([
    ['no slices', buildTgz([{ name: 'a/chisel.yaml', content: `format: v1\n${archives}` }])],
    ['unknown format', release('format: v99\n')],
    ['names no archives', release('format: v1\n')],
    ['without an armor', release(`format: v1\n${archives}public-keys: {a: {id: x}}\n`)],
    ['not an OpenPGP key', release(`format: v1\n${archives}public-keys: {a: {armor: x}}\n`)],
    ['not valid YAML', release('a: [')],
    ['second directory', release(`format: v1\n${archives}`, [{ name: 'b/x' }])],
    ["leaves the archive's directory", release(`format: v1\n${archives}`, [{ name: 'a/../../x' }])],
    ['gzip', Buffer.from([0x1f, 0x8b, 0])],
  ])('rejects: %s', async (reason, bytes) => {
    expect(await ask(bytes)).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining(reason) });
  });

  it.each([buildTgz([{ name: 'a/slices/x.yaml' }]), Buffer.from('<html>')])('does not veto what else is there', async (bytes) => {
    expect(await ask(bytes)).toMatchObject({ opinion: 'Unknown', reason: expect.stringContaining('no chisel release') });
  });

  it('never crashes on a hostile chisel.yaml', async () => {
    await surviveMutation(target);
  });
});
