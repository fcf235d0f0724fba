import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { Provider } from 'oidc-provider';

export interface TestOpenidProvider extends AsyncDisposable {
  /** `http://127.0.0.1:…` */
  readonly issuer: string;
  /** Paths that were asked for. */
  readonly asked: string[];
  /** A JWT for the audience `millrace` by client_credentials, as a client gets it. */
  token(request?: { readonly scope?: string; readonly audience?: string }): Promise<string>;
  /** An opaque token by client_credentials. */
  opaqueToken(scope?: string): Promise<string>;
  /** An opaque token of a user, as the provider makes one at the end of a login. */
  userToken(account: string, scope?: string): Promise<string>;
  revoke(token: string): Promise<void>;
  /** A new provider with a new key in the same place. */
  rotateKeys(): Promise<void>;
  /** The private key that it signs with. */
  key(): JWK;
  /** Takes requests away from the provider while it is set. */
  instead: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
}

export const openidClient = { id: 'builder', secret: 'client secret:+/%' } as const;
/** As ODCS's command line logs in: with its secret in the body. */
export const openidCommandLine = { id: 'odcs-cli', secret: 'command line secret' } as const;
/** Who may ask about tokens. */
export const openidResource = { id: 'millrace', secret: 'resource secret' } as const;
const scopes = ['read', 'new-compose', 'renew-compose', 'groups'];

/** An OpenID provider (oidc-provider) on loopback. */
export async function startOpenidProvider(): Promise<TestOpenidProvider> {
  const asked: string[] = [];
  let handle: (request: IncomingMessage, response: ServerResponse) => unknown = (_request, response) => response.writeHead(503).end();
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '/', 'http://loopback').pathname);
    if (started.instead?.(request, response) !== true) handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let provider: Provider;
  let signing: JWK;
  let generation = 0;

  async function rotateKeys(): Promise<void> {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    generation += 1;
    signing = { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: `key-${generation}` };
    provider = new Provider(issuer, configuration(signing, scopes));
    handle = provider.callback();
  }

  async function asClient(path: string, form: Record<string, string>): Promise<Record<string, unknown>> {
    const answer = await fetch(`${issuer}${path}`, { method: 'POST', headers: { authorization: basic(openidClient) }, body: new URLSearchParams(form) });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`the provider answers ${path} with ${answer.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  }

  await rotateKeys();
  const started: TestOpenidProvider = {
    issuer,
    asked,
    instead: undefined,
    rotateKeys,
    key: () => signing,
    token: async ({ scope = 'new-compose', audience = 'millrace' } = {}) => String((await asClient('/token', { grant_type: 'client_credentials', scope, resource: `urn:${audience}` }))['access_token']),
    opaqueToken: async (scope = 'new-compose') => String((await asClient('/token', { grant_type: 'client_credentials', scope }))['access_token']),
    async userToken(account, scope = 'openid groups') {
      const client = await provider.Client.find(openidClient.id);
      const grant = new provider.Grant({ accountId: account, clientId: openidClient.id });
      grant.addOIDCScope(scope);
      if (client === undefined) throw new Error('the client is gone');
      return new provider.AccessToken({ accountId: account, client, grantId: await grant.save(), gty: 'authorization_code', scope }).save();
    },
    revoke: async (token) => void (await asClient('/token/revocation', { token })),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return started;
}

function configuration(key: JWK, known: readonly string[]): ConstructorParameters<typeof Provider>[1] {
  const plain = { response_types: [] as never[], redirect_uris: [] as string[], id_token_signed_response_alg: 'ES256' } as const;
  return {
    jwks: { keys: [key] },
    clients: [
      { client_id: openidClient.id, client_secret: openidClient.secret, grant_types: ['client_credentials'], ...plain },
      { client_id: openidCommandLine.id, client_secret: openidCommandLine.secret, grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_post', ...plain },
      { client_id: openidResource.id, client_secret: openidResource.secret, grant_types: [], ...plain },
    ],
    scopes: ['openid', ...known],
    claims: { openid: ['sub'], groups: ['groups', 'preferred_username'] },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: `${id}-name`, groups: ['packagers', `${id}-group`] }) }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      userinfo: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        getResourceServerInfo: (_context, resource) => ({ scope: known.join(' '), audience: resource.replace(/^urn:/, ''), accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } } }),
      },
    },
    ttl: { ClientCredentials: 600, AccessToken: 600, Grant: 600 },
  };
}

function basic({ id, secret }: { readonly id: string; readonly secret: string }): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;
}
