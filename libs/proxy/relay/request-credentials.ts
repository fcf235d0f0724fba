import type { SessionSecret } from '../../session/session-secrets.js';
import { applySecret, type Injection } from '../secrets/apply-secret.js';
import { matchSecret } from '../secrets/match-secret.js';
import type { ImmediateRefusal } from './exchange-host.js';
import type { ProxiedRequest } from './proxied-request.js';

const replacedFields: ReadonlySet<string> = new Set(['authorization']);
const nothingReplaced: ReadonlySet<string> = new Set();

/** The session's own credentials on their way into one request. They exist in memory only, and never in the record. */
export class RequestCredentials {
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #body: Buffer | undefined;

  private constructor(private readonly injection: Exclude<Injection, { kind: 'none' }>) {}

  /** Undefined when no secret of the session is for this request. */
  static forRequest(secrets: readonly SessionSecret[], request: ProxiedRequest): RequestCredentials | undefined {
    const secret = matchSecret(secrets, request.inspected.url);
    if (secret === undefined) return undefined;
    const injection = applySecret(secret, { method: request.head.method, path: request.target.path });
    return injection.kind === 'none' ? undefined : new RequestCredentials(injection);
  }

  get refusal(): ImmediateRefusal | undefined {
    return this.injection.kind === 'refuse' ? { rule: 'credentials', reason: this.injection.reason, status: this.injection.status } : undefined;
  }

  /** The whole body must be collected before anything is sent. */
  get needsBody(): boolean {
    return this.injection.kind === 'body';
  }

  /** False when the body is larger than may be rewritten. */
  collect(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    return this.injection.kind === 'body' && this.#size <= this.injection.limit;
  }

  /** Puts the credentials into the collected body; says why that cannot be done. */
  rewrite(): ImmediateRefusal | undefined {
    if (this.injection.kind !== 'body') return undefined;
    const result = this.injection.rewrite(Buffer.concat(this.#chunks));
    if (!result.ok) return { rule: 'credentials', reason: result.reason, status: result.status };
    this.#body = result.body;
    return undefined;
  }

  /** What is sent in place of the build's body; undefined: the build's own. */
  get body(): Buffer | undefined {
    return this.#body;
  }

  /** Raw field lines to add. */
  get fields(): string {
    return this.injection.kind === 'authorization' ? `Authorization: ${this.injection.value}\r\n` : '';
  }

  /** Lower-case names of the build's fields that these replace. */
  get replacedFields(): ReadonlySet<string> {
    return this.injection.kind === 'authorization' ? replacedFields : nothingReplaced;
  }
}
