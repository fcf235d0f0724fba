import type { SessionSecret } from '../../session/session-secrets.js';
import { rewriteKeystoneBody, type BodyRewrite } from './keystone-body.js';

export interface InjectionRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
}

/**
 * What to do with a request that a secret matches. The result is for the upstream request only: the record holds what the build sent.
 * - `authorization`: replace the Authorization field by this value
 * - `body`: read the whole body (at most `limit` bytes, else answer 413), send what `rewrite` gives with its Content-Length
 * - `none`: the secret does not apply to this request (keystone-v3 and anything but its token request)
 * - `refuse`: answer with this status; nothing goes upstream
 */
export type Injection =
  | { readonly kind: 'authorization'; readonly value: string }
  | { readonly kind: 'body'; readonly limit: number; readonly rewrite: (body: Buffer) => BodyRewrite }
  | { readonly kind: 'none' }
  | { readonly kind: 'refuse'; readonly status: number; readonly reason: string };

/** A Keystone password request is a few hundred bytes; fetch-service, too, answers 413 to larger ones. */
export const keystoneBodyLimit = 1024 * 1024;

const fieldValue = /^[\x20-\x7e]+$/;

/**
 * Prepares the injection of one secret. `macaroon` credentials are the serialised macaroon (for the snap store: `root="…", discharge="…"`) and
 * are sent as `Authorization: Macaroon <credentials>`; credentials that bring the scheme themselves are sent as they are.
 */
export function applySecret(secret: SessionSecret, request: InjectionRequest): Injection {
  switch (secret.type) {
    case 'basic-auth':
      return { kind: 'authorization', value: `Basic ${Buffer.from(secret.credentials, 'utf8').toString('base64')}` };
    case 'macaroon':
      return macaroon(secret.credentials);
    case 'keystone-v3':
      if (request.method !== 'POST' || !/\/v3\/auth\/tokens\/?$/.test(request.path)) return { kind: 'none' };
      return { kind: 'body', limit: keystoneBodyLimit, rewrite: (body) => rewriteKeystoneBody(body, secret.credentials) };
  }
}

function macaroon(credentials: string): Injection {
  const trimmed = credentials.trim();
  // A line break in a field value would end the field: whoever wrote the secret could write whole requests.
  if (!fieldValue.test(trimmed)) return { kind: 'refuse', status: 502, reason: 'the macaroon credentials of this session have characters that a header cannot carry' };
  return { kind: 'authorization', value: /^macaroon\s/i.test(trimmed) ? trimmed : `Macaroon ${trimmed}` };
}
