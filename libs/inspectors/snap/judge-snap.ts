import type { InspectionContext, ResponseInspection } from '../../inspection/inspector.js';
import { findDeclaration, findRevision, type DeclaredSnap, type SnapDeclaration, type SnapRevision } from './declared-snaps.js';
import { signersText } from './snap-assertion-inspector.js';
import { declarationFilters, rootKeys } from './snap-configuration.js';
import type { SnapYaml } from './snap-yaml.js';

/** A snap whose form is right. */
export interface ReceivedSnap {
  /** Undefined when its compressor cannot be read. */
  readonly yaml: SnapYaml | undefined;
  /** SHA3-384 in hex. */
  readonly digest: string;
  readonly size: number;
  /** What the store's API said of this digest. */
  readonly declared: DeclaredSnap | undefined;
}

/** The opinion on a snap by what the store and its assertions say of the digest. Asks the store for assertions that are needed and missing, when the proxy can. */
export async function judgeSnap(snap: ReceivedSnap, context: InspectionContext): Promise<ResponseInspection> {
  const { declared, digest } = snap;
  const needsProof = rootKeys(context.configuration).size > 0;
  const filters = declarationFilters(context.configuration);
  const revision = await findRevisionOf(snap, context, needsProof);
  if (revision === undefined && declared === undefined) {
    return {
      opinion: 'Unknown',
      reason:
        'the snap is sound, but neither an answer of the store nor a snap-revision assertion of this session declares its SHA3-384 digest: let the client ask the store through the proxy (snap download does)',
    };
  }
  if (needsProof && revision?.signer.trust !== 'root') {
    const key = Buffer.from(digest, 'hex').toString('base64url');
    return {
      opinion: 'Unknown',
      reason: `no snap-revision assertion of this session that leads to a root key names the snap: let the client fetch snap-revision/${key} before the snap`,
    };
  }
  const snapId = revision?.snapId ?? declared?.snapId ?? '';
  const declaration = await findDeclarationOf(snapId, { declared, isNeeded: filters.length > 0 }, context);
  const problem = contradiction(snap, revision, declaration) ?? checkFilters(declaration, filters, needsProof);
  if (problem !== undefined) return problem;
  const signers = [revision, declaration].flatMap((said) => (said === undefined ? [] : [said.signer]));
  return {
    opinion: 'Approved',
    reason:
      revision === undefined
        ? 'valid snap, the store\'s answer declares its digest; no root key is configured ("snap.root-keys"), so no assertion was asked for'
        : 'valid snap, a snap-revision assertion declares its digest',
    metadata: { signedBy: signersText(signers) },
  };
}

async function findRevisionOf({ digest, declared }: ReceivedSnap, context: InspectionContext, needsProof: boolean): Promise<SnapRevision | undefined> {
  const known = await findRevision(context.knowledge, digest);
  if (known !== undefined || !needsProof || declared === undefined || context.consult === undefined) return known;
  await context.consult(`${declared.api}/assertions/snap-revision/${Buffer.from(digest, 'hex').toString('base64url')}`, {
    accept: 'application/x.ubuntu.assertion',
  });
  return findRevision(context.knowledge, digest);
}

async function findDeclarationOf(
  snapId: string,
  { declared, isNeeded }: { declared: DeclaredSnap | undefined; isNeeded: boolean },
  context: InspectionContext,
): Promise<SnapDeclaration | undefined> {
  const known = await findDeclaration(context.knowledge, snapId);
  if (known !== undefined || !isNeeded || declared === undefined || context.consult === undefined) return known;
  await context.consult(`${declared.api}/assertions/snap-declaration/16/${encodeURIComponent(snapId)}`, { accept: 'application/x.ubuntu.assertion' });
  return findDeclaration(context.knowledge, snapId);
}

/** What two of the snap, the store and the assertions say differently. */
function contradiction(
  { yaml, size, declared }: ReceivedSnap,
  revision: SnapRevision | undefined,
  declaration: SnapDeclaration | undefined,
): ResponseInspection | undefined {
  const rejected = (reason: string): ResponseInspection => ({ opinion: 'Rejected', reason });
  if (declared !== undefined && declared.size !== size) return rejected(`the snap has ${size} bytes, but the store declares ${declared.size}`);
  if (revision !== undefined && revision.size !== size) return rejected(`the snap has ${size} bytes, but its snap-revision assertion says ${revision.size}`);
  if (revision !== undefined && declared !== undefined && revision.snapId !== declared.snapId)
    return rejected("the snap-revision assertion names another snap than the store's answer");
  const name = declaration?.headers['snap-name'] ?? declared?.name;
  if (yaml !== undefined && name !== undefined && yaml.name !== name)
    return rejected(`the snap calls itself ${JSON.stringify(yaml.name)}, but the store ${JSON.stringify(name)}`);
  return undefined;
}

function checkFilters(
  declaration: SnapDeclaration | undefined,
  filters: ReturnType<typeof declarationFilters>,
  needsProof: boolean,
): ResponseInspection | undefined {
  if (filters.length === 0) return undefined;
  if (declaration === undefined || (needsProof && declaration.signer.trust !== 'root')) {
    return {
      opinion: 'Unknown',
      reason:
        'the configuration ("snap.snap-declaration") wants the snap-declaration assertion, which this session has not seen: let the client fetch it before the snap',
    };
  }
  const failed = filters.find(({ name, values }) => !values.includes(declaration.headers[name] ?? ''));
  if (failed === undefined) return undefined;
  const actual = JSON.stringify((declaration.headers[failed.name] ?? '').slice(0, 120));
  return {
    opinion: 'Rejected',
    reason: `the snap's declaration has the ${failed.name} ${actual}, which the configuration ("snap.snap-declaration") does not allow`,
  };
}
