import { z } from 'zod';
import { checkedAnswer, unavailable, type JsonRequests } from './json-requests.js';
import type { Provider } from './provider.js';

const userInfoSchema = z.looseObject({ sub: z.string() });
export type UserInfo = z.infer<typeof userInfoSchema>;

/** What the provider says of the token's user; undefined: the token has no user, or may not ask. That it is genuine is known before. Errors: `identity-unavailable`. */
export async function readUserInfo(token: string, { provider, requests }: { readonly provider: Provider; readonly requests: JsonRequests }): Promise<UserInfo | undefined> {
  const url = await provider.endpoint('userinfo');
  const { status, value } = await requests.get(url, { authorization: `Bearer ${token}` });
  if (status === 200) return checkedAnswer(userInfoSchema, value, `the answer of ${url}`);
  if (status === 401 || status === 403) return undefined;
  throw unavailable(`${url} answers with HTTP ${status}`);
}
