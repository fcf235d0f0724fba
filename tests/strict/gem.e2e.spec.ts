import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeClient, type ClientScene } from '../clients/describe-client.js';
import { sha256 } from '../clients/file-digest.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import { summaries } from '../clients/session-report.js';
import { recordVerdict } from './record-verdict.js';

const gemFile = 'millrace-sample-1.0.0.gem';

/** A gem and the Marshal documents of a registry that has it, made by `gem` itself. */
function buildRegistry(root: string, code: string): { readonly gem: Buffer; readonly file: (name: string) => Buffer } {
  const directory = mkdtempSync(path.join(root, 'registry-'));
  mkdirSync(path.join(directory, 'gems'));
  writeFileSync(path.join(directory, 'sample.rb'), code);
  const fields = { name: 'millrace-sample', version: '1.0.0', summary: 'A sample.', author: 'Ada', license: 'MIT' };
  const lines = Object.entries(fields).map(([key, value]) => `s.${key} = '${value}'`);
  writeFileSync(path.join(directory, 'sample.gemspec'), `Gem::Specification.new do |s|\n${lines.join('\n')}\ns.require_path = '.'\ns.files = ['sample.rb']\nend\n`);
  const gem = (...parameters: string[]): Buffer => execFileSync('gem', parameters, { cwd: directory, env: { ...process.env, HOME: directory }, stdio: 'pipe' });
  gem('build', 'sample.gemspec', '--output', path.join('gems', gemFile));
  gem('generate_index', '--directory', '.');
  return { gem: readFileSync(path.join(directory, 'gems', gemFile)), file: (name) => readFileSync(path.join(directory, name)) };
}

interface Registry {
  readonly url: () => string;
  readonly honest: () => Buffer;
  readonly tampered: () => Buffer;
  /** `grown`: with a second release, appended to what the index had. */
  serve(served: Buffer, grown?: boolean): void;
}

/** A registry of one gem, whose compact index declares the honest file whatever it serves. */
function describeRegistry({ service, directory }: ClientScene, body: (registry: Registry) => void): void {
  let honest: ReturnType<typeof buildRegistry>;
  let tampered: ReturnType<typeof buildRegistry>;
  let served: Buffer = Buffer.alloc(0);
  let grown = false;
  let origin: LoopbackOrigin | undefined;
  beforeAll(async () => {
    honest = buildRegistry(directory(), 'module Sample; end\n');
    tampered = buildRegistry(directory(), 'module Tample; end\n');
    origin = await startOrigin(service(), 'http', (request, response) => {
      const first = `---\n1.0.0 |checksum:${sha256(honest.gem)}\n`;
      const info = grown ? `${first}0.9.0 |checksum:${'0'.repeat(64)}\n` : first;
      const line = (version: string, text: string): string => `millrace-sample ${version} ${createHash('md5').update(text).digest('hex')}\n`;
      const answers: Readonly<Record<string, () => string | Buffer>> = {
        '/r/': () => 'a registry',
        '/r/versions': () => `created_at: 2026-01-01T00:00:00Z\n---\n${line('1.0.0', first)}${grown ? line('0.9.0', info) : ''}`,
        '/r/info/millrace-sample': () => info,
        '/r/quick/Marshal.4.8/millrace-sample-1.0.0.gemspec.rz': () => honest.file('quick/Marshal.4.8/millrace-sample-1.0.0.gemspec.rz'),
        [`/r/gems/${gemFile}`]: () => served,
      };
      const answer = answers[request.url ?? '']?.();
      if (answer === undefined) response.writeHead(404).end('not found');
      else response.end(request.method === 'HEAD' ? undefined : answer);
    });
  });
  afterAll(() => origin?.close());
  body({
    url: () => `${origin?.url}/r/`,
    honest: () => honest.gem,
    tampered: () => tampered.gem,
    serve: (bytes, more = false) => ([served, grown] = [bytes, more]),
  });
}

const refusal = "the gem's SHA-256 checksum is not the one that the compact index declares";
const approved = ['application/x.gem.info millrace-sample Approved', 'application/x.gem.package millrace-sample 1.0.0 Approved'];

describeClient('gem', (scene) => {
  const { service, directory } = scene;
  describeRegistry(scene, (registry) => {
    const command = (): string[] => ['gem', 'install', '--no-document', '--clear-sources', '--source', registry.url(), '--install-dir', 'installed', 'millrace-sample'];

    it('installs in a strict session what the compact index declares', async () => {
      registry.serve(registry.honest());
      const build = directory();
      const { report } = await runInSession(service(), { policy: 'strict', directory: build, command: command(), environment: { HOME: build } });
      expect(existsSync(path.join(build, 'installed', 'gems', 'millrace-sample-1.0.0', 'sample.rb'))).toBe(true);
      expect(summaries(report)).toEqual([...approved, 'application/x.gem.spec millrace-sample 1.0.0 Approved'].sort());
      expect(report['refused-requests']).toEqual([]);
      recordVerdict({ ecosystem: 'gem', client: 'gem install', build: 'a gem from a loopback registry with a compact index', verdict: 'passes' });
    }, 120_000);

    it('gets no gem in a strict session that differs in one byte from what the index declares', async () => {
      registry.serve(registry.tampered());
      const build = directory();
      const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, command: command(), environment: { HOME: build } });
      expect(existsSync(path.join(build, 'installed', 'gems', 'millrace-sample-1.0.0'))).toBe(false);
      expect(report['refused-requests'][0]).toMatchObject({ rule: 'verdict', reason: expect.stringContaining(refusal), sha256: sha256(registry.tampered()) });
      expect(summaries(report)).toContain('application/x.gem.package millrace-sample 1.0.0 Rejected');
      recordVerdict({ ecosystem: 'gem', client: 'gem install', build: 'a gem with one byte changed', verdict: 'refused', reason: refusal });
    }, 120_000);
  });
});

describeClient('bundle', (scene) => {
  const { service, directory } = scene;
  describeRegistry(scene, (registry) => {
    const project = (): string => {
      const build = directory();
      writeFileSync(path.join(build, 'Gemfile'), `source '${registry.url()}'\ngem 'millrace-sample'\n`);
      return build;
    };
    const environment = (build: string): Record<string, string> => ({ HOME: build, BUNDLE_PATH: 'vendor', BUNDLE_SILENCE_ROOT_WARNING: '1', BUNDLE_RETRY: '0' });
    const command = ['bundle', 'install'];

    it('installs in strict sessions, and updates an index that it already has although it gets no part of it', async () => {
      registry.serve(registry.honest());
      const build = project();
      const { report } = await runInSession(service(), { policy: 'strict', directory: build, command, environment: environment(build) });
      expect(readFileSync(path.join(build, 'Gemfile.lock'), 'utf8')).toContain('millrace-sample (1.0.0)');
      expect(summaries(report)).toEqual([...approved, 'application/x.gem.versions Approved'].sort());
      registry.serve(registry.honest(), true);
      for (const name of ['vendor', 'Gemfile.lock']) rmSync(path.join(build, name), { recursive: true });
      const again = await runInSession(service(), { policy: 'strict', directory: build, command, environment: environment(build) });
      // Asked for the rest of both, which the proxy makes a request for the whole.
      expect(summaries(again.report)).toEqual([...approved, 'application/x.gem.versions Approved'].sort());
      expect(again.report['refused-requests']).toEqual([]);
      // Now nothing of the index has changed, so bundle does not ask for the gem's info file: the proxy does.
      for (const name of ['vendor', 'Gemfile.lock']) rmSync(path.join(build, name), { recursive: true });
      const warm = await runInSession(service(), { policy: 'strict', directory: build, command, environment: environment(build) });
      expect(summaries(warm.report)).toEqual([...approved, 'application/x.gem.versions Approved'].sort());
      recordVerdict({ ecosystem: 'gem', client: 'bundle install', build: 'a gem from a loopback registry with a compact index', verdict: 'passes' });
    }, 180_000);

    it('gets no gem in a strict session that differs in one byte from what the index declares', async () => {
      registry.serve(registry.tampered());
      const build = project();
      const { report } = await runInSession(service(), { policy: 'strict', exitCode: 'not 0', directory: build, command, environment: environment(build) });
      expect(report['refused-requests'][0]?.reason).toContain(refusal);
      recordVerdict({ ecosystem: 'gem', client: 'bundle install', build: 'a gem with one byte changed', verdict: 'refused', reason: refusal });
    }, 120_000);
  });
});
