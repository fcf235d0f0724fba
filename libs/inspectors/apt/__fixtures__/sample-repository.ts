import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createCleartextMessage, createMessage, generateKey, sign, type PrivateKey } from 'openpgp';

/** Made by dpkg-deb 1.21 and dpkg-source: `sample-xz.deb` and the like, and a source package. */
export function aptFixture(name: string): Buffer {
  return readFileSync(path.join(import.meta.dirname, name));
}

export interface SigningKey {
  readonly privateKey: PrivateKey;
  readonly publicKey: string;
  readonly fingerprint: string;
}

export async function createSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'Archive' }], format: 'object' });
  return { privateKey, publicKey: publicKey.armor(), fingerprint: publicKey.getFingerprint().toUpperCase() };
}

export function digestOf(bytes: Buffer, algorithm = 'sha256'): string {
  return createHash(algorithm).update(bytes).digest('hex');
}

export interface PoolFile {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly bytes: Buffer;
}

/** A `Packages` index as apt-ftparchive writes it. */
export function packagesOf(files: readonly PoolFile[]): Buffer {
  const paragraphs = files.map(({ path: filename, bytes }) =>
    ['Package: millrace-sample', 'Version: 1:1.0-1', 'Architecture: all', 'Description: sample package', ' With more', `Filename: ${filename}`, `Size: ${bytes.length}`, `SHA256: ${digestOf(bytes)}`].join('\n'),
  );
  return Buffer.from(`${paragraphs.join('\n\n')}\n`);
}

/** A `Sources` index. */
export function sourcesOf(directory: string, names: readonly string[]): Buffer {
  const lines = names.map((name) => ` ${digestOf(aptFixture(name))} ${aptFixture(name).length} ${name}`);
  return Buffer.from(['Package: millrace-src', 'Version: 1.0-1', `Directory: ${directory}`, 'Checksums-Sha256:', ...lines, ''].join('\n'));
}

export interface ReleaseOptions {
  readonly date?: Date;
  readonly validUntil?: Date;
  /** Lines in place of the usual ones. */
  readonly fields?: readonly string[];
  readonly algorithm?: 'SHA256' | 'SHA512' | 'MD5Sum';
}

/** The text of a Release file that declares these files by their paths below it. */
export function releaseOf(files: Readonly<Record<string, Buffer>>, options: ReleaseOptions = {}): string {
  const { date = new Date(Date.now() - 3_600_000), validUntil, algorithm = 'SHA256' } = options;
  const hash = algorithm === 'MD5Sum' ? 'md5' : algorithm.toLowerCase();
  return [
    ...(options.fields ?? ['Origin: Sample', 'Label: Sample Archive', 'Suite: stable', 'Codename: one', 'Version: 1.2', 'Architectures: amd64 all', 'Components: main extra', 'Acquire-By-Hash: yes']),
    `Date: ${date.toUTCString().replace('GMT', 'UTC')}`,
    ...(validUntil === undefined ? [] : [`Valid-Until: ${validUntil.toUTCString().replace('GMT', 'UTC')}`]),
    `${algorithm}:`,
    ...Object.entries(files).map(([name, bytes]) => ` ${digestOf(bytes, hash)} ${bytes.length} ${name}`),
    '',
  ].join('\n');
}

export async function signInline(text: string, key: SigningKey): Promise<Buffer> {
  return Buffer.from(await sign({ message: await createCleartextMessage({ text }), signingKeys: key.privateKey }));
}

export async function signDetached(text: string, key: SigningKey): Promise<Buffer> {
  return Buffer.from(await sign({ message: await createMessage({ text }), signingKeys: key.privateKey, detached: true, format: 'armored' }));
}

/** Every form of an index that a Release file may declare, as far as it can be written here. */
export function packed(name: string, bytes: Buffer): Readonly<Record<string, Buffer>> {
  return { [name]: bytes, [`${name}.gz`]: gzipSync(bytes), [`${name}.zst`]: zstdCompressSync(bytes) };
}
