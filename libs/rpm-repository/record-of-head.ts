import { writePackageFragments } from '../rpm/metadata/package-fragments.js';
import { readIdentity } from '../rpm/package/package-details.js';
import type { PackageHead } from '../rpm/package/package-file.js';
import { listSignatures } from '../rpm/package/signatures.js';
import { tag } from '../rpm/package/tags.js';
import { encodePackageRecord } from './package-record.js';
import type { PackageDescription } from './repository-writer.js';

/** All that metadata says of a package, out of its headers. `most`: characters of its files and dependencies. Throws a reason for damaged ones. */
export function recordOfHead(head: PackageHead, file: { readonly sha256: string; readonly size: number; readonly most?: number }): Buffer {
  return encodePackageRecord(describeHead(head, file.size), writePackageFragments(head, file));
}

function describeHead(head: PackageHead, size: number): PackageDescription {
  const { header } = head;
  const keyIds = listSignatures(head.signature).map(({ info }) => info.keyId);
  return {
    ...readIdentity(header),
    size,
    sourceRpm: header.string(tag.sourceRpm) ?? '',
    buildTime: header.numbers(tag.buildTime)[0] ?? 0,
    keyIds: [...new Set(keyIds)].filter((keyId) => keyId !== ''),
    excludeArch: header.strings(tag.excludeArch),
    exclusiveArch: header.strings(tag.exclusiveArch),
  };
}
