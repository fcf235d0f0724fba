import type { InspectedRequest, Inspector } from '../../inspection/inspector.js';
import { refusal } from '../../inspection/refusal.js';
import { lastSegment } from '../declarations/declared-url.js';
import { readArmor } from '../openpgp/armor.js';
import { readKeyring } from '../openpgp/keyring.js';
import { parseRepositoryPlace } from './repository-path.js';
import { rememberSignature } from './repomd-signature.js';

const sizeLimit = 1024 * 1024;

/** Signatures of repomd.xml and the public keys that clients import, see docs/reference/inspectors/rpm.md. */
export const rpmKeyInspector: Inspector = {
  id: 'rpm.key',
  inspectRequest: (request) => {
    const kind = request.method === 'GET' ? kindOf(request) : undefined;
    return kind === undefined ? undefined : { opinion: 'Pending', reason: `valid URL for ${kind === 'key' ? 'public keys' : 'the signature of a repomd.xml'}` };
  },
  inspectResponse: async (request, response, body, { knowledge }) => {
    const kind = kindOf(request);
    if (response.status !== 200 || kind === undefined) return undefined;
    const bytes = await body.read(sizeLimit);
    if (kind === 'key') {
      const { fingerprints } = await readKeyring(bytes);
      if (fingerprints.length === 0) throw refusal('the file holds no public key');
      return {
        opinion: 'Approved',
        reason: 'valid public keys; what they sign counts as signed only when they are configured',
        annotations: { fingerprints },
        metadata: { type: 'application/pgp-keys' },
      };
    }
    readArmor(bytes, 'PGP SIGNATURE');
    const place = parseRepositoryPlace(request);
    if (place !== undefined) await rememberSignature(knowledge, place.base, bytes);
    return { opinion: 'Approved', reason: 'valid OpenPGP signature; the opinion on the repomd.xml says whether it holds', metadata: { type: 'application/pgp-signature' } };
  },
};

function kindOf(request: InspectedRequest): 'signature' | 'key' | undefined {
  const file = parseRepositoryPlace(request)?.file;
  if (file === 'repomd.xml.asc') return 'signature';
  return file === 'repomd.xml.key' || /^RPM-GPG-KEY/.test(lastSegment(request.path) ?? '') ? 'key' : undefined;
}
