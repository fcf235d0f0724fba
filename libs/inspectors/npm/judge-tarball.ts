import type { InspectedBody, InspectedRequest, InspectionContext, ResponseInspection } from '../../inspection/inspector.js';
import { findDeclarations, type FileDeclaration } from '../declarations/declared-files.js';
import { normalisePath } from '../declarations/declared-url.js';
import { digestBody, strongestDigests, type IntegrityDigest } from '../declarations/integrity.js';
import { explainHidden } from '../declarations/publication-time.js';
import { checkSignatures } from './check-signatures.js';
import { documentOfTarball, normaliseNpmVersion } from './package-name.js';

/** What the package.json of a tarball says that it is. */
export interface PackageId {
  readonly name: string;
  readonly version: string;
}

interface Subject {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

interface Declared {
  /** URL of the package document. */
  readonly index: string;
  readonly declaration: FileDeclaration;
}

/** As npm itself asks, so that a registry keeps one copy. */
const documentAccept = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*';

/** The opinion on a tarball that is sound in itself, with what its package document adds to the metadata. */
export async function judgeTarball(manifest: PackageId, subject: Subject): Promise<ResponseInspection> {
  const other = await declaredAsOther(manifest, subject);
  if (other !== undefined) return { opinion: 'Rejected', reason: `the tarball holds ${manifest.name}, but its URL is one that the package document of ${other} declares` };
  const { declarations, advice } = await findOrConsult(manifest, subject);
  if (declarations.length === 0) {
    return {
      opinion: 'Unknown',
      reason: `the tarball is sound, but no package document of this session declares it for ${manifest.name}: its digest cannot be checked; ${advice}`,
    };
  }
  // Returned, not thrown: the report then names the package that was not in order.
  const checked = await checkAll(manifest, declarations, subject);
  if (typeof checked === 'string') return { opinion: 'Rejected', reason: checked };
  const { algorithm, published } = checked;
  const metadata = published === '' ? {} : { published };
  const hidden = explainHidden({ label: `${manifest.name} ${manifest.version}`, published }, subject.context.visibleUntil?.('npm', manifest.name));
  if (hidden !== undefined) return { opinion: 'Rejected', reason: hidden, metadata };
  const signed = await checkSignatures(manifest.name, declarations, subject.context);
  if (signed.problem !== undefined) return { opinion: 'Rejected', reason: signed.problem, metadata };
  return {
    opinion: 'Approved',
    reason: 'valid npm package',
    annotations: { 'declared-by': declarations.map(({ index }) => index), 'checked-digest': algorithm, signatures: signed.summary },
    metadata: { ...metadata, ...(signed.signedBy === '' ? {} : { signedBy: signed.signedBy }) },
  };
}

/** With a lock file a client asks for tarballs only; then the document that lies beside the tarball at the same registry is fetched. */
async function findOrConsult(manifest: PackageId, subject: Subject): Promise<{ declarations: readonly Declared[]; advice: string }> {
  const { request, context } = subject;
  const known = await findDeclared(manifest, subject);
  const empty = 'let npm read the package documents through the proxy (npm install with an empty cache does)';
  if (known.length > 0 || context.consult === undefined) return { declarations: known, advice: empty };
  const document = documentOfTarball(request.path);
  if (document === undefined) return { declarations: [], advice: `its URL does not tell where that is; ${empty}` };
  if (document.name !== manifest.name) return { declarations: [], advice: `its URL is one of ${document.name}; ${empty}` };
  const outcome = await context.consult(request.origin + document.path, { accept: documentAccept });
  const declarations = await findDeclared(manifest, subject);
  const found = outcome === 'approved' ? 'does not name this URL' : `is ${outcome}`;
  return { declarations, advice: `the registry's document ${document.path} ${found}: see it in the report; if it lies elsewhere, ${empty}` };
}

/** The package that the URL names, when a document declares the URL as that one's: a tarball must not choose by its own name which documents count. */
async function declaredAsOther({ name }: PackageId, subject: Subject): Promise<string | undefined> {
  const asked = documentOfTarball(subject.request.path)?.name;
  if (asked === undefined || asked === name) return undefined;
  return (await findDeclared({ name: asked }, subject)).length > 0 ? asked : undefined;
}

function findDeclared({ name }: Pick<PackageId, 'name'>, { request, context }: Subject): Promise<readonly Declared[]> {
  const path = normalisePath(request.path) + (request.query === '' ? '' : `?${request.query}`);
  return findDeclarations(context.knowledge, { family: 'npm', origin: request.origin, name }, path);
}

/** The algorithm that was checked and the latest publication time; a text when some document contradicts the tarball. */
async function checkAll(manifest: PackageId, declarations: readonly Declared[], subject: Subject): Promise<{ algorithm: string; published: string } | string> {
  let algorithm = '';
  let published = '';
  for (const { declaration } of declarations) {
    const checked = await checkDeclaration(manifest, declaration, subject);
    if (checked.problem !== undefined) return checked.problem;
    algorithm = checked.algorithm;
    const time = declaration[2] ?? '';
    if (time > published) published = time;
  }
  return { algorithm, published };
}

type DeclarationCheck = { readonly problem: undefined; readonly algorithm: string } | { readonly problem: string };

/** Whether the tarball is what one package document declared, and by which digest. */
async function checkDeclaration(manifest: PackageId, [integrity = '', version = '']: FileDeclaration, { body, context }: Subject): Promise<DeclarationCheck> {
  if (normaliseNpmVersion(manifest.version) !== normaliseNpmVersion(version)) {
    return { problem: `the tarball holds version ${JSON.stringify(manifest.version)}, but the package document declares it as ${JSON.stringify(version)}` };
  }
  const digests: readonly IntegrityDigest[] = integrity.startsWith('sha1:') ? [{ algorithm: 'sha1', hex: integrity.slice(5) }] : strongestDigests(integrity);
  const algorithm = digests[0]?.algorithm;
  if (algorithm === undefined) return { problem: 'the package document declares no digest for this tarball' };
  const actual = await digestBody(body, algorithm, context);
  if (!digests.some((digest) => digest.hex === actual)) return { problem: `the tarball's ${algorithm} digest is not the one that the package document declares` };
  return { problem: undefined, algorithm };
}
