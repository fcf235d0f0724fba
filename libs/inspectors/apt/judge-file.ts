import type { InspectedBody, InspectedRequest, InspectionContext, ResponseInspection } from '../../inspection/inspector.js';
import { signedByMetadata } from '../openpgp/verify-signatures.js';
import { findDeclared } from './consult-indexes.js';
import type { FileDeclaration } from './known-files.js';
import { isDeclared } from './raw-body.js';

export interface FileExchange {
  readonly request: InspectedRequest;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
  readonly kind: 'packages' | 'sources';
  /** For reasons: `package`, `source file`. */
  readonly what: string;
}

export interface FileVerdict {
  readonly opinion: ResponseInspection;
  /** The declaration that the file is; undefined when it is none. */
  readonly declaration?: FileDeclaration;
}

/** Compares a file of the pool with what the indexes of this session declare at its URL. */
export async function judgeFile({ request, body, context, kind, what }: FileExchange): Promise<FileVerdict> {
  const declarations = await findDeclared(request, context, kind);
  if (declarations.length === 0) {
    const reason = `the ${what} is sound, but no index of this session declares it: let apt fetch its lists through the proxy (empty /var/lib/apt/lists, then apt-get update)`;
    return { opinion: { opinion: 'Unknown', reason } };
  }
  for (const declaration of declarations) {
    if (!(await isDeclared(body, declaration.file, context))) continue;
    const { index } = declaration;
    return {
      declaration,
      opinion: {
        opinion: 'Approved',
        reason: `valid ${what}, declared by a signed repository`,
        annotations: { 'declared-by': index.index },
        metadata: { vendor: index.vendor, signedBy: signedByMetadata(index.signedBy) },
      },
    };
  }
  return { opinion: { opinion: 'Rejected', reason: `the ${what} is not the one that the index declares (SHA-256 or size differs): it was changed, or the mirror is broken` } };
}
