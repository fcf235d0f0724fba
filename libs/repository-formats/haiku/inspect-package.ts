import { isMillraceError, MillraceError } from '../../errors/millrace-error.js';
import type { ByteSource } from '../../haiku/byte-source.js';
import { canonicalFileName, type PackageInfo } from '../../haiku/package/package-info.js';
import { readPackageWithLicences, type ReadPackage } from '../../haiku/package/read-package.js';
import { formatVersion } from '../../haiku/package/version.js';
import type { HaikuSettings } from '../../repository/repository.js';
import type { InspectedPackage, InspectionOptions } from '../package-format.js';
import { writeMetadata } from './package-metadata.js';

/** Clients put the name into an address as it is; builders write `<name>.upload` beside it. */
const usableName = /^[A-Za-z0-9_+][A-Za-z0-9_.+~@-]*$/;
const longestName = 240;
/** What a small package may come to in an index, and how many bytes each of its attributes: a long string stands there once, however often it is used. */
const [leastEntry, unfolding] = [64 * 1024, 8];

/** See `PackageFormat.inspect`. */
export async function inspectPackage(bytes: ByteSource, { sha256, settings, signal }: InspectionOptions): Promise<InspectedPackage> {
  const { info, licences, attributesSize } = await readPackageWithLicences(abortable(bytes, signal)).catch(asInvalidPackage);
  const reasons = [...nameProblems(info), ...(settings.haiku === null ? [] : membershipProblems(info, settings.haiku))];
  if (reasons.length > 0) throw new MillraceError('package-invalid', reasons.join('; '));
  try {
    return inspected(info, { checksum: sha256, licences, most: leastEntry + unfolding * attributesSize });
  } catch (error) {
    return asInvalidPackage(error);
  }
}

export function inspected(info: PackageInfo, { checksum, licences, most }: { readonly checksum: string; readonly licences: ReadPackage['licences']; readonly most?: number }): InspectedPackage {
  const { name, version, architecture } = info;
  return { key: canonicalFileName(info), name, version: formatVersion(version), architecture, metadata: writeMetadata({ info, checksum, ...(most === undefined ? {} : { most }) }, licences) };
}

/** What makes a package no member of a repository: `package_repo` refuses the same. */
function membershipProblems(info: PackageInfo, { vendor, architecture }: Pick<HaikuSettings, 'vendor' | 'architecture'>): readonly string[] {
  const file = canonicalFileName(info);
  return [
    ...(info.vendor.toLowerCase() === vendor.toLowerCase() ? [] : [`${file} is from the vendor ${JSON.stringify(info.vendor.slice(0, 100))}; this repository has packages of ${JSON.stringify(vendor)} only`]),
    ...([architecture, 'any', 'source'].includes(info.architecture) ? [] : [`${file} is for ${info.architecture}; this repository has packages for ${architecture}, any and source`]),
  ];
}

export function nameProblems(info: PackageInfo): readonly string[] {
  const file = canonicalFileName(info);
  if (file.length > longestName) return [`the name of its file has ${file.length} characters; ${longestName} are the most: ${file.slice(0, 100)}…`];
  return usableName.test(file) ? [] : [`${JSON.stringify(file)} cannot be fetched by clients: letters, digits and _ . + ~ @ - are what the name of its file may have, and it may not begin with a dot`];
}

/** Not of what went wrong while it was read. */
function asInvalidPackage(error: unknown): never {
  if (isMillraceError(error) && error.code === 'source-invalid') throw new MillraceError('package-invalid', error.message, { cause: error });
  throw error;
}

function abortable(bytes: ByteSource, signal: AbortSignal | undefined): ByteSource {
  return {
    size: bytes.size,
    read(offset, length) {
      signal?.throwIfAborted();
      return bytes.read(offset, length);
    },
  };
}
