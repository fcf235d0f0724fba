/** A credential that the proxy injects into requests whose normalised URL matches `url`. Never logged, recorded or in workflow history. */
export type SessionSecret =
  | { readonly type: 'basic-auth'; readonly url: string; readonly credentials: string }
  | { readonly type: 'macaroon'; readonly url: string; readonly credentials: string }
  | { readonly type: 'keystone-v3'; readonly url: string; readonly credentials: string };
