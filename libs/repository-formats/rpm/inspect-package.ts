import { errorMessage } from '../../errors/error-message.js';
import { isMillraceError, MillraceError } from '../../errors/millrace-error.js';
import { limitExceeded, refusal } from '../../inspection/refusal.js';
import { findUnsafePath, readFileList } from '../../rpm/package/file-list.js';
import { checkHeaderDigests, checkPayload } from '../../rpm/package/package-digests.js';
import { isSourcePackage, readIdentity } from '../../rpm/package/package-details.js';
import type { PackageFile, PackageHead } from '../../rpm/package/package-file.js';
import { formatVersion } from '../../rpm/version.js';
import { recordOfHead } from '../../rpm-repository/record-of-head.js';
import type { InspectedPackage, InspectionOptions, PackageBytes } from '../package-format.js';
import { checkSignature } from './check-signature.js';
import { canonicalFileName } from './package-place.js';
import { openPackageBytes } from './read-package-bytes.js';

/** What is kept of a package; those with the most files that are known have two thirds of it. */
const maxMetadataBytes = 16 * 1024 * 1024;
/** What a small header may come to, and how many bytes each of its own. A long path stands there once for any number of files; honest ones say more of each file than repositories do. */
const [leastMetadataBytes, unfolding] = [1024 * 1024, 8];

/**
 * Reads a package's headers and checks them, the payload against the digest that its header (which is what signatures are over) declares, and the signatures
 * against the settings. Errors: `package-invalid`, `invalid-setting`.
 */
export async function inspectPackage(bytes: PackageBytes, options: InspectionOptions): Promise<InspectedPackage> {
  try {
    return await inspect(bytes, options);
  } catch (cause) {
    options.signal?.throwIfAborted();
    // Parsers of hostile bytes throw these two; whatever else there is comes from the store.
    if (!isMillraceError(cause) || (cause.code !== 'invalid-request' && cause.code !== 'payload-too-large')) throw cause;
    throw new MillraceError('package-invalid', errorMessage(cause), { cause });
  }
}

async function inspect(bytes: PackageBytes, { sha256, settings, signal }: InspectionOptions): Promise<InspectedPackage> {
  const file = await openPackageBytes(bytes, signal);
  const { head } = file;
  const identity = readIdentity(head.header);
  const key = canonicalFileName(identity);
  checkFiles(head);
  const { start, end } = head.headerRange;
  const most = Math.min(maxMetadataBytes, leastMetadataBytes + unfolding * (end - start));
  const metadata = recordOfHead(head, { sha256, size: bytes.size, most });
  if (metadata.length > maxMetadataBytes) throw limitExceeded(`repository metadata would say ${metadata.length} bytes of the package, more than ${maxMetadataBytes}`);
  await checkSignature(head, settings.rpm ?? { packageKeys: [] }, signal);
  await checkDigests(file);
  return { key, name: identity.name, version: formatVersion(identity), architecture: identity.arch, metadata };
}

function checkFiles({ header }: PackageHead): void {
  const unsafe = findUnsafePath(readFileList(header), isSourcePackage(header));
  if (unsafe !== undefined) throw refusal(`the package has a file with the path ${JSON.stringify(unsafe.slice(0, 200))}, which no sound package has`);
}

async function checkDigests(file: PackageFile): Promise<void> {
  if (checkHeaderDigests(file.head).length === 0) throw refusal('the package has no digest of its header: it is damaged, or was made by rpm 3, and rpm does not install it');
  const { checked } = await checkPayload(file);
  if (!checked.some((name) => name !== 'size')) throw refusal('the package has no digest of its payload, so nothing says whether that is what was built');
}
