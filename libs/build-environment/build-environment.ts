import path from 'node:path';
import { readProxyAddress, type ProxyAddress } from './proxy-address.js';
import { aptConfiguration, javaOptions, javaProperties, mavenLogging, mavenSettings, wgetConfiguration, type EnvironmentFile } from './tool-files.js';

export interface BuildEnvironmentOptions {
  /** `http://<session>:<token>@<host>:<port>/` */
  readonly proxyUrl: string;
  /**
   * PEM file that holds all authorities that the build trusts: Millrace's and, for tools that talk past the proxy, the system's (`authorityBundle`).
   * Most variables replace a tool's own store.
   */
  readonly caPemFile: string;
  /** PKCS#12 trust store for Java, password `changeit` (`toPkcs12`). */
  readonly caPkcs12File?: string | undefined;
  /** Absolute: where configuration files may be put, for tools that read no variable (apt, Maven, wget; Java's credentials). Without it those are left out. */
  readonly directory?: string | undefined;
  /** The environment that this one is laid over: options of Java and Maven in it are kept. */
  readonly base?: Readonly<Record<string, string | undefined>>;
}

export interface BuildEnvironment {
  readonly variables: Readonly<Record<string, string>>;
  /** To be written (mode 0600) before the build starts. */
  readonly files: readonly EnvironmentFile[];
}

/** Every variable that sends a build's tools through the proxy and makes them trust its certificates. See docs/reference/build-environment.md. */
export function buildEnvironment(options: BuildEnvironmentOptions): BuildEnvironment {
  const proxy = readProxyAddress(options.proxyUrl);
  const { variables, files } = fileBasedTools(options, proxy);
  return { variables: { ...proxyVariables(proxy.url), ...authorityVariables(options.caPemFile), ...variables }, files };
}

function proxyVariables(url: string): Record<string, string> {
  return {
    // Both cases: curl reads only the lower-case http_proxy, .NET and some Go programs only the upper-case ones.
    http_proxy: url,
    https_proxy: url,
    all_proxy: url,
    HTTP_PROXY: url,
    HTTPS_PROXY: url,
    ALL_PROXY: url,
    // Emptied on purpose: an exception inherited from the machine would be a download that the record knows nothing of.
    no_proxy: '',
    NO_PROXY: '',
    PIP_PROXY: url,
    npm_config_proxy: url,
    npm_config_https_proxy: url,
    npm_config_noproxy: '',
    YARN_HTTP_PROXY: url,
    YARN_HTTPS_PROXY: url,
    // Node's own fetch and http follow the proxy variables since 22.21 and 24, when told so.
    NODE_USE_ENV_PROXY: '1',
    CARGO_HTTP_PROXY: url,
    // git would otherwise ask without credentials first, which doubles the CONNECTs.
    GIT_HTTP_PROXY_AUTHMETHOD: 'basic',
    CGI_HTTP_PROXY: url,
  };
}

/** Each of these replaces the tool's own store but NODE_EXTRA_CA_CERTS, which adds to it. */
const authorityVariableNames = [
  'SSL_CERT_FILE', // OpenSSL, Go, Ruby, .NET, uv, rustls-native-certs
  'CURL_CA_BUNDLE', // curl, R
  'REQUESTS_CA_BUNDLE', // Python requests
  'PIP_CERT',
  'NODE_EXTRA_CA_CERTS',
  'npm_config_cafile',
  'YARN_HTTPS_CA_FILE_PATH', // Yarn 3 and later
  'CARGO_HTTP_CAINFO',
  'GIT_SSL_CAINFO',
  'BUNDLE_SSL_CA_CERT',
  'COMPOSER_CAFILE',
  'CONDA_SSL_VERIFY',
  'DENO_CERT',
  'HEX_CACERTS_PATH',
  'NIX_SSL_CERT_FILE',
  'PERL_LWP_SSL_CA_FILE',
  'AWS_CA_BUNDLE',
  'CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE',
  'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
  'HTTPLIB2_CA_CERTS',
];

function authorityVariables(caPemFile: string): Record<string, string> {
  return Object.fromEntries(authorityVariableNames.map((name) => [name, caPemFile]));
}

function fileBasedTools(options: BuildEnvironmentOptions, proxy: ProxyAddress): BuildEnvironment {
  const { directory, caPemFile, caPkcs12File, base = {} } = options;
  const properties = javaProperties(proxy, caPkcs12File);
  if (directory === undefined) return { variables: { JAVA_TOOL_OPTIONS: joined(base.JAVA_TOOL_OPTIONS, ...properties) }, files: [] };
  const file = (...names: string[]): string => path.join(directory, ...names);
  const files = {
    apt: file('apt.conf'),
    java: file('java.options'),
    maven: file('maven', 'settings.xml'),
    wget: file('wgetrc'),
  };
  return {
    variables: {
      APT_CONFIG: files.apt,
      WGETRC: files.wget,
      // Java 8 does not know VMOptionsFile and would refuse to start.
      JAVA_TOOL_OPTIONS: joined(base.JAVA_TOOL_OPTIONS, ...properties, '-XX:+IgnoreUnrecognizedVMOptions', `-XX:VMOptionsFile=${files.java}`),
      // Where Maven 3 looks for its global settings.xml; MAVEN_ARGS says the same to Maven 3.9 and 4.
      MAVEN_OPTS: joined(base.MAVEN_OPTS, `-Dmaven.conf=${path.dirname(files.maven)}`),
      MAVEN_ARGS: joined(base.MAVEN_ARGS, '--global-settings', files.maven),
    },
    files: [
      { path: files.apt, content: aptConfiguration(proxy, caPemFile, base.APT_CONFIG) },
      { path: files.java, content: javaOptions(proxy) },
      { path: files.maven, content: mavenSettings(proxy) },
      { path: file('maven', 'logging', 'simplelogger.properties'), content: mavenLogging },
      { path: files.wget, content: wgetConfiguration(caPemFile) },
    ],
  };
}

function joined(before: string | undefined, ...added: readonly string[]): string {
  return [...(before === undefined || before === '' ? [] : [before]), ...added].join(' ');
}
