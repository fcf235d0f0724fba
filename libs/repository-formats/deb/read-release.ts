import { parseRelease, releaseLimit, whyNotCurrent, type Release } from '../../deb/release-file.js';
import { MillraceError } from '../../errors/millrace-error.js';
import { cleartextLimit, splitCleartext } from '../../inspectors/openpgp/cleartext.js';
import { joinKeyrings, readKeyring, type Keyring } from '../../inspectors/openpgp/keyring.js';
import { describeFailures, verifyCleartext, verifyDetached, type SignatureCheck } from '../../inspectors/openpgp/verify-signatures.js';
import type { ExistingPlace, ReadExistingOptions } from '../../repository-import/existing-repository.js';
import { asSourceInvalid } from './source-invalid.js';

const signatureLimit = 256 * 1024;

interface ReleaseOptions extends ReadExistingOptions {
  readonly suite: string;
}

/** What a distribution declares, and the text that says so; signed by one of the keys, if any are given, and valid now. Errors: `source-invalid`, and those of the place. */
export async function readRelease(place: ExistingPlace, options: ReleaseOptions): Promise<{ readonly release: Release; readonly text: Buffer }> {
  const { keys, suite, signal } = options;
  const where = `dists/${suite} at ${place.name}`;
  const keyring = keys.length === 0 ? undefined : joinKeyrings(await Promise.all(keys.map((key) => readKeyring(Buffer.from(key)))));
  const inline = await place.document(`dists/${suite}/InRelease`, { ...options, limit: cleartextLimit });
  return asSourceInvalid(where, async () => {
    const text = inline === undefined ? await readDetached(place, keyring, options) : await readInline(inline, keyring, signal);
    const release = await parseRelease(text);
    const stale = whyNotCurrent(release, Date.now());
    if (stale !== undefined) throw new MillraceError('source-invalid', `the Release file must not be used: ${stale}`);
    return { release, text };
  });
}

async function readInline(message: Buffer, keyring: Keyring | undefined, signal: AbortSignal): Promise<Buffer> {
  if (keyring === undefined) return splitCleartext(message).text;
  const { text, ...check } = await verifyCleartext(message, { keyring, signal });
  return believed(check, text);
}

async function readDetached(place: ExistingPlace, keyring: Keyring | undefined, options: ReleaseOptions): Promise<Buffer> {
  const folder = `dists/${options.suite}`;
  const text = await place.document(`${folder}/Release`, { ...options, limit: releaseLimit });
  if (text === undefined) throw new MillraceError('source-invalid', 'it is no apt repository: there is neither InRelease nor Release', { suggestion: 'Give the base URL, above dists/, and the name of a folder below dists/ as the suite.' });
  if (keyring === undefined) return text;
  const signature = await place.document(`${folder}/Release.gpg`, { ...options, limit: signatureLimit });
  if (signature === undefined) throw new MillraceError('source-invalid', 'it has no signature, neither InRelease nor Release.gpg');
  return believed(await verifyDetached(text, signature, { keyring, signal: options.signal }), text);
}

/** Signatures of keys that nobody asked for are usual beside; one that does not hold never is. */
function believed({ verifiedBy, failures }: SignatureCheck, text: Buffer): Buffer {
  if (verifiedBy.length > 0 && !failures.some(({ kind }) => kind === 'bad')) return text;
  throw new MillraceError('source-invalid', `none of the given keys has signed it: ${describeFailures(failures)}`, {
    suggestion: 'If it is being published just now, signature and file may not go together for a moment. If it stays so, compare the keys.',
  });
}
