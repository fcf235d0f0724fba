import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

export interface SamplePackage {
  readonly bytes: Buffer;
  readonly name: string;
  readonly epoch?: number;
  readonly version: string;
  readonly release: string;
  readonly arch?: string;
  readonly href: string;
}

/** A repository as `createrepo_c` makes it, small. */
export interface SampleRepository {
  readonly repomd: Buffer;
  readonly primary: Buffer;
  /** Below the repository. */
  readonly primaryPath: string;
}

export interface RepositoryOptions {
  readonly algorithm?: 'sha256' | 'sha512' | 'sha1' | 'md5';
  /** More `<data>` elements. */
  readonly data?: string;
  readonly primaryXml?: string;
  readonly revision?: string;
}

export function buildRepository(packages: readonly SamplePackage[], options: RepositoryOptions = {}): SampleRepository {
  const algorithm = options.algorithm ?? 'sha256';
  const xml = options.primaryXml ?? primaryXml(packages, algorithm);
  const primary = gzipSync(xml);
  const primaryPath = `repodata/${digest(algorithm, primary)}-primary.xml.gz`;
  const repomd = `<?xml version="1.0" encoding="UTF-8"?><repomd><revision>${options.revision ?? '1'}</revision>${data('primary', { path: primaryPath, algorithm, packed: primary, open: Buffer.from(xml) })}${options.data ?? ''}</repomd>`;
  return { repomd: Buffer.from(repomd), primary, primaryPath };
}

export function data(type: string, { path, algorithm = 'sha256', packed, open }: { path: string; algorithm?: string; packed: Buffer; open?: Buffer }): string {
  const unpacked = open === undefined ? '' : `<open-checksum type="${algorithm}">${digest(algorithm, open)}</open-checksum><open-size>${open.length}</open-size>`;
  return `<data type="${type}"><checksum type="${algorithm}">${digest(algorithm, packed)}</checksum>${unpacked}<location href="${path}"/><size>${packed.length}</size></data>`;
}

export function primaryXml(packages: readonly SamplePackage[], algorithm = 'sha256'): string {
  const listed = packages.map(
    ({ bytes, name, epoch = 0, version, release, arch = 'noarch', href }) =>
      `<package type="rpm"><name>${name}</name><arch>${arch}</arch><version epoch="${epoch}" ver="${version}" rel="${release}"/><checksum type="${algorithm}" pkgid="YES">${digest(algorithm, bytes)}</checksum><location href="${href}"/><format><rpm:license>MIT</rpm:license></format></package>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?><metadata packages="${packages.length}">${listed.join('\n')}</metadata>`;
}

export function digest(algorithm: string, bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest('hex');
}
