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
  const secure = grpc.startsWith('grpcs:');
  const certificate = authority === undefined ? [] : [`      server-cert: ${authority}`];
  const pushing = secure ? ['    push: true', '    auth:', ...certificate, `      access-token: ${pushToken}`] : [];
  const bazelFile = authority === undefined ? [] : [`build --tls_certificate=${authority}`];
  return [
    secure ? '# BuildStream 2, in ~/.config/buildstream.conf (who only pulls leaves out push and access-token):' : '# BuildStream 2, in ~/.config/buildstream.conf (to pull; it pushes with a token only where there is TLS: --make-certificate):',
    'artifacts:',
    '  servers:',
    `  - url: ${grpc.replace(/^grpc/, 'http')}`,
    ...pushing,
    '',
    '# Bazel, in .bazelrc (who only pulls: also --noremote_upload_local_results):',
    `build --remote_cache=${grpc}`,
    ...bazelFile,
    '# and whoever pushes, in a shell:',
    `#   bazel build --remote_header="authorization=Bearer $(cat ${pushToken})" …`,
    '',
    `# Caches over HTTP (ccache, sccache, Gradle, Turborepo): ${http}; docs/how-to/use-the-http-cache.md`,
    `# Whoever has ${pushToken} may push.`,
    '',
  ].join('\n');
}
