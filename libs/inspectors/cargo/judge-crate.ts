import type { InspectedBody, InspectedRequest, InspectionContext, ResponseInspection } from '../../inspection/inspector.js';
import { digestBody } from '../declarations/integrity.js';
import { explainHidden } from '../declarations/publication-time.js';
import { candidateIndexes } from '../declarations/seen-indexes.js';
import { indexAccept } from './cargo-client.js';
import { cratePrefix, type CrateId } from './crate-id.js';
import { findRelease, type CrateDeclaration } from './declared-crate.js';

interface Subject {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}

/** The opinion on a crate that is sound in itself, with its publication time as metadata. */
export async function judgeCrate(crate: CrateId, { request, body, context }: Subject): Promise<ResponseInspection> {
  const actual = await digestBody(body, 'sha256', context);
  const { declarations, asked } = await findOrConsult({ ...crate, checksum: actual }, { request, context });
  if (declarations.length === 0) {
    const where = asked.length === 0 ? '' : `asked at ${asked.join(', ')}; `;
    return {
      opinion: 'Unknown',
      reason: `the crate is sound, but no index of this session declares ${crate.name} ${crate.version}: its checksum cannot be checked; ${where}name its index in "cargo.indexes" of the inspectors configuration, or let cargo read the index through the proxy (cargo fetch with an empty CARGO_HOME does)`,
    };
  }
  const declared = declarations.filter(({ checksum }) => checksum === actual);
  // Returned, not thrown: the report then names the crate that was not in order.
  if (declared.length === 0) return { opinion: 'Rejected', reason: "the crate's SHA-256 checksum is not the one that the index declares" };
  const published = declared.map((declaration) => declaration.published).sort().at(-1) ?? '';
  const metadata = published === '' ? {} : { published };
  const hidden = explainHidden({ label: `${crate.name} ${crate.version}`, published }, context.visibleUntil?.('cargo', crate.name.toLowerCase()));
  if (hidden !== undefined) return { opinion: 'Rejected', reason: hidden, metadata };
  const yanked = declared.some((declaration) => declaration.yanked);
  return {
    opinion: 'Approved',
    reason: yanked ? 'valid crate, but its registry has yanked this version' : 'valid crate',
    annotations: { 'declared-by': declared.map(({ index }) => index), yanked },
    metadata,
  };
}

/** With a Cargo.lock and an index in its cache cargo asks for crates only; then the index files are asked for here. */
async function findOrConsult(
  crate: CrateId & { readonly checksum: string },
  { request, context }: Pick<Subject, 'request' | 'context'>,
): Promise<{ declarations: readonly CrateDeclaration[]; asked: readonly string[] }> {
  let declarations = await findRelease(context.knowledge, crate, request);
  const asked: string[] = [];
  if (declarations.length > 0 || context.consult === undefined) return { declarations, asked };
  const name = crate.name.toLowerCase();
  for (const index of await candidateIndexes(context, 'cargo')) {
    asked.push(index);
    await context.consult(`${index}${cratePrefix(name)}/${name}`, { accept: indexAccept });
    declarations = await findRelease(context.knowledge, crate, request);
    // Two registries may each have a crate of that name.
    if (declarations.some(({ checksum }) => checksum === crate.checksum)) break;
  }
  return { declarations, asked };
}
