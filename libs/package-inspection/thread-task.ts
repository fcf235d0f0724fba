import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../errors/millrace-error.js';
import type { InspectedPackage } from '../repository-formats/package-format.js';
import type { RepositoryKind, RepositorySettings } from '../repository/repository.js';

/** The inspection of one package as it crosses to a thread: plain data, and a port for its bytes. */
export interface ThreadTask {
  readonly kind: RepositoryKind;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly settings: RepositorySettings;
  readonly port: MessagePort;
}

/** What a thread asks its process for, and the answer with the same `id`: exactly so many bytes, or nothing where they cannot be had. */
export interface ThreadQuestion {
  readonly id: number;
  readonly offset: number;
  readonly length: number;
}

export interface ThreadAnswer {
  readonly id: number;
  readonly bytes?: Uint8Array;
  readonly failure?: ThreadFailure;
}

/** An error, without what cannot cross. `code`: of a Millrace error. */
export interface ThreadFailure {
  readonly code?: ErrorCode;
  readonly name: string;
  readonly message: string;
  readonly suggestion?: string | undefined;
  readonly details?: readonly object[] | undefined;
}

export type ThreadResult = { readonly inspected: InspectedPackage } | { readonly failure: ThreadFailure };
