import { Readable } from 'node:stream';
import type { ArtefactMetadata, JsonValue } from '../../inspection/inspection.js';
import type { InspectionContext } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { dependencyKinds, isRich } from '../../rpm/dependency.js';
import { readDependencies } from '../../rpm/package/dependencies.js';
import { findUnsafePath, readFileList } from '../../rpm/package/file-list.js';
import type { RpmHeader } from '../../rpm/package/header.js';
import { checkHeaderDigests, checkPayload, hasPayloadDigest, type UnpackPayload } from '../../rpm/package/package-digests.js';
import { isSourcePackage, readChangelogs, type PackageIdentity } from '../../rpm/package/package-details.js';
import type { PackageFile } from '../../rpm/package/package-file.js';
import { tag } from '../../rpm/package/tags.js';
import { formatVersion } from '../../rpm/version.js';
import { decompress } from '../archives/decompress.js';
import { spdxLicense } from '../documents/spdx-license.js';
import { rpmPurl } from './distribution.js';

/** What the report says of a package, from its header alone. */
export function describePackage(header: RpmHeader, identity: PackageIdentity): Partial<ArtefactMetadata> {
  const text = (number: number): string => header.string(number) ?? '';
  return {
    type: 'application/x-rpm',
    name: identity.name,
    version: formatVersion(identity),
    vendor: text(tag.vendor),
    description: text(tag.summary),
    author: text(tag.packager),
    license: spdxLicense(text(tag.license)),
    architecture: identity.arch,
    sourcePackage: text(tag.sourceRpm),
    purl: rpmPurl(identity, text(tag.vendor)),
  };
}

/** Payloads are unpacked, to check what is in them, up to this packed size: xz takes a second for some 30 MiB. The digest of the packed payload holds for all. */
const unpackUpTo = 64 * 1024 * 1024;

/** Reads the whole package and checks it against itself. Returns annotations; throws a reason for what does not fit together. */
export async function checkPackage(file: PackageFile, size: number, { signal }: InspectionContext): Promise<Record<string, JsonValue>> {
  const { header } = file.head;
  const source = isSourcePackage(header);
  const files = readFileList(header);
  const unsafe = findUnsafePath(files, source);
  if (unsafe !== undefined) throw refusal(`the package has a file with the path ${JSON.stringify(unsafe.slice(0, 200))}, which no sound package has`);
  const dependencies = dependencyKinds.map((kind) => [kind, readDependencies(header, kind)] as const);
  const changelogs = readChangelogs(header);
  const headerDigests = checkHeaderDigests(file.head);
  const payload = await checkPayload(file, size <= unpackUpTo || !hasPayloadDigest(header) ? createUnpack(size, signal) : undefined);
  return {
    files: files.entries.length,
    ...Object.fromEntries(dependencies.filter(([, list]) => list.length > 0).map(([kind, list]) => [kind, list.length])),
    'rich-dependencies': dependencies.reduce((count, [, list]) => count + list.filter(isRich).length, 0),
    changelogs: changelogs.length,
    checked: [...headerDigests.map((name) => `header ${name}`), ...payload.checked],
  };
}

function createUnpack(packedSize: number, signal: AbortSignal | undefined): UnpackPayload {
  return (packed, compression) => decompress(Readable.from(packed, { objectMode: false }), { compression, packedSize, ...(signal === undefined ? {} : { signal }) });
}
