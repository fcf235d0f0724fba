import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { authorityBundle } from './authority-bundle.js';
import { buildEnvironment } from './build-environment.js';
import { renderShell } from './render-shell.js';

const proxyUrl = 'http://session1:Tok3nTok3nTok3nTok3n@127.0.0.1:9988/';
const options = { proxyUrl, caPemFile: '/m/bundle.pem', caPkcs12File: '/m/trust.p12', directory: '/m/tools' };

describe('buildEnvironment', () => {
  it('empties what would let a tool go around the proxy', () => {
    expect(buildEnvironment(options).variables).toMatchObject({ no_proxy: '', NO_PROXY: '', npm_config_noproxy: '', http_proxy: proxyUrl, HTTPS_PROXY: proxyUrl });
    expect(buildEnvironment(options).variables.JAVA_TOOL_OPTIONS).toContain('-Dhttp.nonProxyHosts= ');
  });

  it('keeps the token out of what a JVM prints into the build log', () => {
    const { variables, files } = buildEnvironment({ ...options, base: { JAVA_TOOL_OPTIONS: '-Xmx1g', MAVEN_ARGS: '-B', MAVEN_OPTS: '-Da=b', APT_CONFIG: '/etc/my-apt.conf' } });
    for (const name of ['JAVA_TOOL_OPTIONS', 'MAVEN_OPTS', 'MAVEN_ARGS']) expect(variables[name]).not.toContain('Tok3n');
    expect(variables.JAVA_TOOL_OPTIONS).toMatch(/^-Xmx1g -Dhttp\.proxyHost=127\.0\.0\.1 /);
    expect(variables.MAVEN_ARGS).toBe('-B --global-settings /m/tools/maven/settings.xml');
    expect(files.find((file) => file.path === '/m/tools/apt.conf')?.content).toMatch(/^#include \/etc\/my-apt\.conf;\n/);
    expect(files.every((file) => file.path.startsWith('/m/tools/'))).toBe(true);
  });

  it('needs no file when there is no directory', () => {
    const { variables, files } = buildEnvironment({ proxyUrl, caPemFile: '/m/ca.pem' });
    expect(files).toEqual([]);
    expect(Object.keys(variables)).not.toEqual(expect.arrayContaining(['APT_CONFIG']));
    expect(variables.SSL_CERT_FILE).toBe('/m/ca.pem');
    expect(variables.JAVA_TOOL_OPTIONS).not.toContain('trustStore=');
  });

  it('reads an IPv6 proxy', () => {
    expect(buildEnvironment({ ...options, proxyUrl: 'http://a:b@[::1]:9988' }).variables.JAVA_TOOL_OPTIONS).toContain('-Dhttp.proxyHost=::1 -Dhttp.proxyPort=9988');
  });

  it.each(['http://127.0.0.1:9988/', 'https://a:b@h/', 'http://a@h/', 'nonsense', ''])('refuses %j without repeating it', (url) => {
    expect(() => buildEnvironment({ ...options, proxyUrl: url })).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });
});

describe('authorityBundle', () => {
  it('holds ours first and the machine\'s behind it, each once', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n';
    const bundle = authorityBundle(pem);
    expect(bundle.startsWith(pem)).toBe(true);
    const found = bundle.match(/-----BEGIN CERTIFICATE-----/g) ?? [];
    expect(found.length).toBeGreaterThan(50);
    expect(new Set(bundle.split(/(?=-----BEGIN)/).map((text) => text.trim())).size).toBe(found.length);
  });
});

describe('renderShell', () => {
  const tricky = { A: `it's $HOME \`id\` "x" \\ !`, B: 'two\nlines', C: '', D: "'; touch /tmp/pwned; '" };

  it('gives back every value when a shell evaluates it', () => {
    const script = `${renderShell(tricky, 'sh')}printf '%s\\0' "$A" "$B" "$C" "$D"`;
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, 4)).toEqual(Object.values(tricky));
  });

  it('gives back any text', () => {
    const text = fc.string({ unit: fc.constantFrom(...`'"\\$\`!;&|<>(){}*?~# \n\ta`.split('')) });
    fc.assert(fc.property(text, (value) => expect(execFileSync('sh', ['-c', `${renderShell({ V: value }, 'sh')}printf '%s.' "$V"`], { encoding: 'utf8' })).toBe(`${value}.`)), { numRuns: 50 });
  });

  it('quotes as fish and PowerShell do', () => {
    expect(renderShell({ A: "a'b\\c" }, 'fish')).toBe("set -gx A 'a\\'b\\\\c'\n");
    expect(renderShell({ A: "a'b\u2019; x" }, 'powershell')).toBe("$env:A = 'a''b\u2019\u2019; x'\n");
    expect(JSON.parse(renderShell(tricky, 'json'))).toEqual(tricky);
  });

  it('refuses names that are code', () => {
    expect(() => renderShell({ 'A=1;id': 'x' }, 'sh')).toThrow(expect.objectContaining({ code: 'internal' }));
    expect(() => renderShell({ A: 'x\0y' }, 'sh')).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});
