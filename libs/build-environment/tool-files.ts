import type { ProxyAddress } from './proxy-address.js';

/** A file that some tool must find; written with mode 0600, because most hold the session's token. */
export interface EnvironmentFile {
  /** Absolute, inside the directory of the environment. */
  readonly path: string;
  readonly content: string | Buffer;
}

/** Password of the trust stores: the one that Java's tools expect. It protects nothing, the certificate is public. */
export const trustStorePassword = 'changeit';

/** Read through APT_CONFIG, before the system's own configuration. */
export function aptConfiguration(proxy: ProxyAddress, bundleFile: string, included: string | undefined): string {
  return [
    ...(included === undefined ? [] : [`#include ${included};`]),
    `Acquire::http::Proxy "${proxy.url}";`,
    `Acquire::https::Proxy "${proxy.url}";`,
    `Acquire::https::CaInfo "${bundleFile}";`,
    // apt drops privileges to _apt for downloads, which could not read a token of mode 0600.
    'APT::Sandbox::User "root";',
    '',
  ].join('\n');
}

/** Global settings of Maven: its HTTP client takes a proxy's credentials from nowhere else. The user's own settings.xml still wins. */
export function mavenSettings(proxy: ProxyAddress): string {
  const entry = (protocol: string): string =>
    [
      '    <proxy>',
      `      <id>millrace-${protocol}</id>`,
      '      <active>true</active>',
      `      <protocol>${protocol}</protocol>`,
      `      <host>${xml(proxy.host)}</host>`,
      `      <port>${proxy.port}</port>`,
      `      <username>${xml(proxy.user)}</username>`,
      `      <password>${xml(proxy.password)}</password>`,
      '      <nonProxyHosts></nonProxyHosts>',
      '    </proxy>',
    ].join('\n');
  return `<settings>\n  <proxies>\n${entry('http')}\n${entry('https')}\n  </proxies>\n</settings>\n`;
}

/** Maven refuses to start when its configuration directory has no logging folder; this keeps its output as it is without ours. */
export const mavenLogging = [
  ...['defaultLogLevel=info', 'showDateTime=false', 'showThreadName=false', 'showLogName=false', 'logFile=System.out', 'cacheOutputStream=true', 'levelInBrackets=true', 'warnLevelString=WARNING'].map((line) => `org.slf4j.simpleLogger.${line}`),
  '',
].join('\n');

/** System properties that hold the token: in a file, because a JVM prints JAVA_TOOL_OPTIONS to standard error, and so into the build log. */
export function javaOptions(proxy: ProxyAddress): string {
  return [
    `-Dhttp.proxyUser=${proxy.user}`,
    `-Dhttp.proxyPassword=${proxy.password}`,
    `-Dhttps.proxyUser=${proxy.user}`,
    `-Dhttps.proxyPassword=${proxy.password}`,
    '',
  ].join('\n');
}

/** System properties without secrets, for JAVA_TOOL_OPTIONS itself. */
export function javaProperties(proxy: ProxyAddress, trustStore: string | undefined): readonly string[] {
  return [
    `-Dhttp.proxyHost=${proxy.host}`,
    `-Dhttp.proxyPort=${proxy.port}`,
    `-Dhttps.proxyHost=${proxy.host}`,
    `-Dhttps.proxyPort=${proxy.port}`,
    // Java leaves loopback out by default; an address that goes around the proxy is not in the record.
    '-Dhttp.nonProxyHosts=',
    // Since 8u111 Java refuses basic credentials for CONNECT unless these lists are empty.
    '-Djdk.http.auth.tunneling.disabledSchemes=',
    '-Djdk.http.auth.proxying.disabledSchemes=',
    ...(trustStore === undefined ? [] : [`-Djavax.net.ssl.trustStore=${trustStore}`, '-Djavax.net.ssl.trustStoreType=PKCS12', `-Djavax.net.ssl.trustStorePassword=${trustStorePassword}`]),
  ];
}

/** GnuTLS builds of wget (Debian) know no variable for authorities. */
export function wgetConfiguration(bundleFile: string): string {
  return `ca_certificate = ${bundleFile}\n`;
}

function xml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
