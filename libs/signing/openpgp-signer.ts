import type { SignaturePacket } from 'openpgp';
import type { SigningKey } from './signer.js';

/** One OpenPGP key, wherever its secret half is. Errors: `signing-unavailable`, `invalid-setting`. */
export interface OpenPgpSigner {
  readonly key: SigningKey;
  sign(request: OpenPgpRequest): Promise<readonly SignaturePacket[]>;
}

export interface OpenPgpRequest {
  readonly mode: 'detached' | 'cleartext';
  /** `cleartext`: UTF-8, one line end (LF) after each line, no white space before it. */
  readonly content: Buffer;
  /** The moment that the signature tells, where the signer can choose. */
  readonly at: Date;
  readonly signal: AbortSignal;
}
