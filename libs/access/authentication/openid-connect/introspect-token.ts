import type { JWTPayload } from 'jose';
import { z } from 'zod';
import { readSecret } from '../../../settings-file/read-secret.js';
import type { Environment } from '../../../settings/settings.js';
import { refusedLogin } from '../login-method.js';
import { checkedAnswer, unavailable, type JsonRequests } from './json-requests.js';
import type { OpenidConnectSettings } from './openid-connect-schema.js';
import type { Provider } from './provider.js';

const answerSchema = z.looseObject({
  active: z.boolean(),
  exp: z.number().optional(),
  nbf: z.number().optional(),
  iss: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string()).max(1000)]).optional(),
});
type Introspected = z.infer<typeof answerSchema>;

/** What the provider says of a token (RFC 7662); undefined: it is not in force. Errors: `identity-unavailable`, `invalid-setting`. */
export async function introspectToken(token: string, settings: NonNullable<OpenidConnectSettings['introspection']>, { provider, requests, environment }: { readonly provider: Provider; readonly requests: JsonRequests; readonly environment: Environment }): Promise<Introspected | undefined> {
  const url = await provider.endpoint('introspection');
  const secret = await readSecret(settings['client-secret'], environment);
  const login = Buffer.from(`${formEncoded(settings['client-id'])}:${formEncoded(secret)}`).toString('base64');
  const { status, value } = await requests.post(url, { token, token_type_hint: 'access_token' }, { authorization: `Basic ${login}` });
  if (status !== 200) throw unavailable(`${url} answers introspection with HTTP ${status}${status === 401 ? ': client-id or client-secret is wrong' : ''}`);
  const answer = checkedAnswer(answerSchema, value, `the answer of ${url}`);
  return answer.active ? answer : undefined;
}

/** Introspection says that the token is in force; these say that it is so now, and for this service. Errors: `unauthorized`. */
export function checkIntrospected(answer: Introspected, settings: OpenidConnectSettings): JWTPayload {
  const [now, skew] = [Date.now() / 1000, settings['clock-skew-seconds']];
  if (answer.exp !== undefined && answer.exp <= now - skew) throw refusedLogin('the token has expired');
  if (answer.nbf !== undefined && answer.nbf > now + skew) throw refusedLogin('the token is not in force yet');
  if (answer.iss !== undefined && answer.iss !== settings.issuer) throw refusedLogin('the token is of another issuer');
  const { audience } = settings;
  if (audience !== undefined && ![answer.aud ?? []].flat().some((each) => audience.includes(each))) throw refusedLogin('the token is for another audience');
  return answer;
}

/** As RFC 6749 wants it before base64. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
