export interface ProxyCredentials {
  readonly sessionId: string;
  readonly token: string;
}

const basic = /^basic +([A-Za-z0-9+/_-]{1,1024}={0,2})$/i;

/** Reads `Proxy-Authorization: Basic base64(id:token)`; undefined when it is anything else. */
export function readProxyCredentials(field: string): ProxyCredentials | undefined {
  const match = basic.exec(field);
  if (match === null) return undefined;
  const text = Buffer.from(match[1] as string, 'base64').toString('latin1');
  const colon = text.indexOf(':');
  const sessionId = text.slice(0, colon);
  const token = text.slice(colon + 1);
  if (colon === -1 || !/^[a-z0-9]{1,64}$/.test(sessionId) || !/^[\x21-\x7e]{1,256}$/.test(token)) return undefined;
  return { sessionId, token };
}
