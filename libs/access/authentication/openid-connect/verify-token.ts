import { errors, jwtVerify, type CryptoKey, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { errorMessage } from '../../../errors/error-message.js';
import { refusedLogin } from '../login-method.js';
import { unavailable } from './json-requests.js';
import type { OpenidConnectSettings } from './openid-connect-schema.js';
import type { Provider } from './provider.js';

/** Claims of a JWT of the provider, for this service, of this time. Errors: `unauthorized`, `identity-unavailable`. */
export async function verifyToken(token: string, settings: OpenidConnectSettings, provider: Provider): Promise<JWTPayload> {
  const options: JWTVerifyOptions = {
    issuer: settings.issuer,
    algorithms: [...settings.algorithms],
    clockTolerance: settings['clock-skew-seconds'],
    requiredClaims: ['exp'],
    ...(settings.audience === undefined ? {} : { audience: [...settings.audience] }),
    ...(settings['token-type'] === undefined ? {} : { typ: settings['token-type'] }),
  };
  try {
    return (await jwtVerify(token, provider.key, options)).payload;
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyWithAny(token, error, options);
    throw asLoginError(error);
  }
}

/** A token that does not say which key it was signed with. */
async function verifyWithAny(token: string, keys: AsyncIterable<CryptoKey>, options: JWTVerifyOptions): Promise<JWTPayload> {
  for await (const key of keys) {
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw asLoginError(error);
    }
  }
  throw refusedLogin('no key of the provider fits the signature of the token');
}

/** Messages of jose name claims, never their values. */
function asLoginError(error: unknown): unknown {
  if (error instanceof errors.JWKSInvalid) return unavailable(`the keys of the provider cannot be read: ${error.message}`, error);
  if (error instanceof errors.JOSEError) return refusedLogin(`the token is refused: ${error.message}`);
  // A key of a kind that this machine does not know, or a header that no key fits.
  return isTyped(error) ? refusedLogin(`the token is refused: ${errorMessage(error).slice(0, 200)}`) : error;
}

function isTyped(error: unknown): boolean {
  return ['TypeError', 'DataError', 'SyntaxError', 'NotSupportedError'].includes((error as { name?: string }).name ?? '');
}

/** Whether it claims to be a JWT: three parts, the first a JSON object with an algorithm. Nothing of it is believed. */
export function looksSigned(token: string): boolean {
  const [head = '', ...rest] = token.split('.');
  if (rest.length !== 2) return false;
  try {
    const header = JSON.parse(Buffer.from(head, 'base64url').toString('utf8')) as { alg?: unknown } | null;
    return typeof header?.alg === 'string';
  } catch {
    return false;
  }
}
