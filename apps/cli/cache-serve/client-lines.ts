/** What a site tells its builders. */
export interface ServedCache {
  /** `grpcs://cache.example:9977` or `grpc://…`. */
  readonly grpc: string;
  /** Of the gateway: `https://cache.example:9999`. */
  readonly http: string;
  readonly pushToken: string;
  /** PEM file; undefined: clients trust the certificate already, or there is none. */
  readonly authority: string | undefined;
}

export function clientLines({ grpc, http, pushToken, authority }: ServedCache): string {
  const url = grpc.replace(/^grpc/, 'http');
  const bazelFile = authority === undefined ? [] : [`build --tls_certificate=${authority}`];
  const certificate = authority === undefined ? [] : [`      server-cert: ${authority}`];
  return [
    '# BuildStream 2, in ~/.config/buildstream.conf (who only pulls leaves out push and access-token):',
    'artifacts:',
    '  servers:',
    `  - url: ${url}`,
    '    push: true',
    '    auth:',
    ...certificate,
    `      access-token: ${pushToken}`,
    '',
    '# Bazel, in .bazelrc (who only pulls: --noremote_upload_local_results and no header):',
    `build --remote_cache=${grpc}`,
    ...bazelFile,
    `build --remote_header=authorization="Bearer $(cat ${pushToken})"`,
    '',
    `# Caches over HTTP (ccache, sccache, Gradle, Turborepo): ${http}; docs/reference/artifact-cache.md`,
    `# Whoever has ${pushToken} may push.`,
    '',
  ].join('\n');
}
