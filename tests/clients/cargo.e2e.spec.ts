import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from '@jest/globals';
import { describeClient } from './describe-client.js';
import { runInSession } from './run-in-session.js';
import { artefactsFrom } from './session-report.js';

const manifest = '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nitoa = "1"\ncfg-if = "1"\n';

/** An empty cache with the machine's configuration of registries, which lives in the same directory. */
function cargoHome(directory: string): string {
  const home = path.join(directory, 'cargo');
  mkdirSync(home);
  const configured = process.env['CARGO_HOME'] ?? path.join(os.homedir(), '.cargo');
  for (const name of ['config.toml', 'config', 'credentials.toml']) {
    if (existsSync(path.join(configured, name))) copyFileSync(path.join(configured, name), path.join(home, name));
  }
  return home;
}

describeClient('cargo', ({ service, directory }) => {
  it('fetches the index and crates, and the report has the checksums of Cargo.lock', async () => {
    const project = directory();
    mkdirSync(path.join(project, 'src'));
    writeFileSync(path.join(project, 'src', 'lib.rs'), '');
    writeFileSync(path.join(project, 'Cargo.toml'), manifest);
    const { report } = await runInSession(service(), { directory: project, command: ['cargo', 'fetch'], environment: { CARGO_HOME: cargoHome(project) } });
    const locked = [...readFileSync(path.join(project, 'Cargo.lock'), 'utf8').matchAll(/^name = "(.+)"\nversion = "(.+)"\nsource = .+\nchecksum = "(.+)"/gm)];
    expect(locked.map(([, name]) => name)).toEqual(['cfg-if', 'itoa']);
    for (const [, name, version, checksum] of locked) {
      const [crate, ...more] = report.artifacts.filter(({ metadata }) => metadata.sha256 === checksum);
      expect(more).toEqual([]);
      expect(crate?.metadata.type).toBe('application/x.cargo.crate');
      expect(crate?.downloads.map(({ url }) => url)).toEqual([expect.stringMatching(new RegExp(`/${name}\\b.*\\b${version?.replaceAll('.', '\\.')}\\b`))]);
      expect(artefactsFrom(report, `/${name}`)).toHaveLength(1); // its page in the sparse index
    }
    expect(report['refused-requests']).toEqual([]);
    expect(report['failed-downloads']).toEqual([]);
  }, 120_000);
});
