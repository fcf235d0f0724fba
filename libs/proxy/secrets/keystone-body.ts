export type BodyRewrite = { readonly ok: true; readonly body: Buffer } | { readonly ok: false; readonly status: number; readonly reason: string };

type JsonObject = Record<string, unknown>;

/**
 * Puts user and password into the body of `POST /v3/auth/tokens` (OpenStack Identity API v3). The build sends a password request with a
 * placeholder; its domain and scope are kept. `credentials` is `user:password`.
 */
export function rewriteKeystoneBody(body: Buffer, credentials: string): BodyRewrite {
  const document = parseObject(body);
  const auth = document?.auth;
  if (document === undefined || !isObject(auth)) return { ok: false, status: 400, reason: 'the token request is not the JSON that Keystone v3 takes' };
  const colon = credentials.indexOf(':');
  const name = colon === -1 ? credentials : credentials.slice(0, colon);
  const password = colon === -1 ? '' : credentials.slice(colon + 1);
  const sent = userOf(auth);
  const domain = isObject(sent?.domain) ? sent.domain : { id: 'default' };
  // An id would win over the name, so it goes; other methods (token, TOTP) would be demanded besides the password, so they go too.
  const identity = { methods: ['password'], password: { user: { name, domain, password } } };
  return { ok: true, body: Buffer.from(JSON.stringify({ ...document, auth: { ...auth, identity } })) };
}

function userOf(auth: JsonObject): JsonObject | undefined {
  const identity = auth.identity;
  const method = isObject(identity) ? identity.password : undefined;
  const user = isObject(method) ? method.user : undefined;
  return isObject(user) ? user : undefined;
}

function parseObject(body: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
