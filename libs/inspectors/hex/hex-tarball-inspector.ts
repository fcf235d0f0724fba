import type { InspectedBody, InspectedRequest, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { digestBody } from '../declarations/integrity.js';
import { findRelease, type ReleaseDeclaration } from './declared-release.js';
import { hexPurl } from './hex-id.js';
import { readHexTarball, type HexTarball } from './hex-tarball.js';
import { parseRegistryPath, type RegistryPath } from './registry-path.js';

/** Tarballs of Hex packages, see docs/reference/inspectors/hex.md. */
export const hexTarballInspector: Inspector = {
  id: 'hex.tarball',
  inspectRequest: (request) => (askedTarball(request) === undefined ? undefined : { opinion: 'Pending', reason: 'valid URL for a Hex package' }),
  inspectResponse: async (request, response, body, context) => {
    const asked = askedTarball(request);
    if (response.status !== 200 || asked === undefined) return undefined;
    const tarball = await readHexTarball(body, context);
    const { name, version } = tarball;
    const metadata = { ...tarball.metadata, type: 'application/x.hex.package', name, version, purl: hexPurl(name, version) };
    if (name !== asked.name || version !== asked.version)
      return { opinion: 'Rejected', reason: `the tarball holds ${name} ${version}, but its URL is that of ${asked.name} ${asked.version}`, metadata };
    const { opinion, signedBy } = await judge(tarball, { request, body, context });
    return { ...opinion, metadata: { ...metadata, ...(signedBy === '' ? {} : { signedBy }) } };
  },
};

function askedTarball(request: InspectedRequest): Extract<RegistryPath, { kind: 'tarball' }> | undefined {
  const asked = request.method === 'GET' ? parseRegistryPath(request.path) : undefined;
  return asked?.kind === 'tarball' ? asked : undefined;
}

interface Subject {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

async function judge(tarball: HexTarball, { request, body, context }: Subject): Promise<{ readonly opinion: ResponseInspection; readonly signedBy: string }> {
  const { name, version } = tarball;
  const declarations = await findRelease({ name, version }, request, context);
  if (declarations.length === 0) {
    const reason = `the tarball is sound, but no package document of this session declares ${name} ${version}: its checksum cannot be checked; let mix or rebar3 read it through the proxy (with an empty cache they do)`;
    return { opinion: { opinion: 'Unknown', reason }, signedBy: '' };
  }
  const outer = await digestBody(body, 'sha256', context);
  const matches = (declared: ReleaseDeclaration): boolean => (declared.outer === '' ? declared.inner === tarball.inner : declared.outer === outer && declared.inner === tarball.inner);
  const declared = declarations.filter(matches);
  const [first] = declared;
  // Returned, not thrown: the report then names the package that was not in order.
  if (first === undefined) return { opinion: { opinion: 'Rejected', reason: "the tarball's SHA-256 checksum is not the one that the package document declares" }, signedBy: '' };
  const retired = declared.some((declaration) => declaration.retired);
  const unsigned = first.signedBy === '' ? ', by a document whose signature was not checked: no key is configured (hex.public-key)' : '';
  const annotations = { 'declared-by': declared.map(({ index }) => index), 'checked-digest': first.outer === '' ? 'inner sha256' : 'sha256', retired };
  return { opinion: { opinion: 'Approved', reason: `valid Hex package${retired ? ', but its release was retired' : ''}${unsigned}`, annotations }, signedBy: first.signedBy };
}
