import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isMillraceError } from '../errors/millrace-error.js';
import { bootableHere, loraxSettings, settleLorax } from './lorax.js';
import { pungiArguments } from './pungi-arguments.js';
import { generationSecondsOf, timeToLiveOf } from './raw-config-limits.js';
import { findRawConfig, readPungiSettings, readValidPungiSettings } from './read-pungi-settings.js';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-pungi-settings-'));
  file = path.join(folder, 'pungi.yaml');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function settings(yaml: string) {
  writeFileSync(file, yaml);
  return readPungiSettings(file);
}

const eln = 'eln: { url: "https://git.example/eln.git", config-filename: eln.conf';

describe('settings of Pungi', () => {
  it('have defaults for all that is not a configuration', () => {
    expect(settings('{}\n')).toEqual({
      pungi: { program: 'pungi-koji', 'config-dump': 'pungi-config-dump', arguments: [], environment: {}, 'post-script-timeout': 3600 },
      'raw-configs': {},
      lorax: { program: 'lorax', arguments: [], environment: {} },
    });
  });

  it.each([
    ['raw-config: {}', 'raw-config: unknown key'],
    [`raw-configs: { ${eln}, password: { file: /x } } }`, 'username and password belong together'],
    [`raw-configs: { ${eln}, username: u, password: secret } }`, 'must be file: <absolute path> or env: <variable>'],
    ['raw-configs: { eln: { url: "https://u:p@git.example/eln.git", config-filename: eln.conf } }', 'without user and password'],
    ['raw-configs: { eln: { url: "ssh://git.example/eln.git", config-filename: eln.conf } }', 'must be an http(s) or file URL'],
    ['raw-configs: { eln: { url: /srv/eln, config-filename: ../eln.conf } }', 'without ".."'],
    ['raw-configs: { eln: { url: /srv/eln, config-filename: /etc/passwd } }', 'without ".."'],
    ['raw-configs: { eln: { url: /srv/eln, config-filename: eln.conf, path: a/../../b } }', 'without ".."'],
    ['raw-configs: { "a#b": { url: /srv/eln, config-filename: eln.conf } }', 'raw-configs.a#b'],
    ['pungi: { program: "./pungi-koji" }', 'must be an absolute path or the name of a program in PATH'],
    ['pungi: { timeout: 0 }', 'pungi.timeout'],
    ['pungi: { wrapper: wrapper.conf }', 'must be an absolute path'],
    ['pungi: { environment: { "A B": x } }', 'pungi.environment.A B: '],
  ])('%s is refused with its place', (yaml, message) => {
    try {
      settings(`${yaml}\n`);
      throw new Error('it was taken');
    } catch (error) {
      expect(isMillraceError(error) && error.code).toBe('invalid-setting');
      expect((error as Error).message).toContain(message);
    }
  });

  it('are read anew, and are none while they have mistakes', () => {
    settings(`raw-configs: { ${eln} } }\n`);
    expect(findRawConfig(readPungiSettings(file), { source: ['eln#main'] })).toMatchObject({ name: 'eln', commit: 'main', 'config-filename': 'eln.conf' });
    writeFileSync(file, 'raw-configs: [\n');
    expect(readValidPungiSettings(file)).toBeUndefined();
    expect(() => readPungiSettings(path.join(folder, 'missing.yaml'))).toThrow('cannot read');
  });

  it('may hold the commit, whatever a request names', () => {
    expect(findRawConfig(settings(`raw-configs: { ${eln}, commit: stable } }\n`), { source: ['eln#evil'] })?.commit).toBe('stable');
  });
});

describe('limits of a configuration', () => {
  const asked = { sourceType: 'raw_config', source: ['eln#main'] } as const;
  const defaults = { composeSecondsToLive: 100, composeMaximumSecondsToLive: 200, composeTimeout: 30 };

  it.each([
    ['', { secondsToLive: 100, maximumSecondsToLive: 200 }, 30],
    [', seconds-to-live: 150', { secondsToLive: 150, maximumSecondsToLive: 200 }, 30],
    [', seconds-to-live: 500', { secondsToLive: 500, maximumSecondsToLive: 500 }, 30],
    [', max-seconds-to-live: 50', { secondsToLive: 50, maximumSecondsToLive: 50 }, 30],
    [', max-seconds-to-live: 900, timeout: 60', { secondsToLive: 100, maximumSecondsToLive: 900 }, 60],
  ])('stand in place of those of all (%s)', (keys, lives, seconds) => {
    settings(`raw-configs: { ${eln}${keys} } }\n`);
    expect(timeToLiveOf(asked, { ...defaults, pungiFile: file })).toEqual(lives);
    expect(generationSecondsOf(asked, { ...defaults, pungiFile: file })).toBe(seconds);
  });

  it('do not concern other composes, and there are none while the settings have mistakes', () => {
    settings(`pungi: { timeout: 45 }\nraw-configs: { ${eln}, seconds-to-live: 7 } }\n`);
    const everybody = { secondsToLive: 100, maximumSecondsToLive: 200 };
    expect(generationSecondsOf(asked, { ...defaults, pungiFile: file })).toBe(45);
    expect(timeToLiveOf({ sourceType: 'repo', source: ['eln#main'] }, { ...defaults, pungiFile: file })).toEqual(everybody);
    expect(timeToLiveOf(asked, { ...defaults, pungiFile: undefined })).toEqual(everybody);
    writeFileSync(file, 'nonsense: true\n');
    expect([timeToLiveOf(asked, { ...defaults, pungiFile: file }), generationSecondsOf(asked, { ...defaults, pungiFile: file })]).toEqual([everybody, 30]);
  });
});

describe('the command line of Pungi', () => {
  const run = { config: '/c/pungi.json', composeDirectory: '/t', oldComposes: '/old', arguments: [], kojiEvent: null, request: { composeType: 'ci', label: null, flags: [], parentPungiComposeIds: [], respinOf: null } };

  it('has what there is, and nothing else', () => {
    expect(pungiArguments(run)).toEqual(['--config=/c/pungi.json', '--no-latest-link', '--compose-dir=/t', '--ci', '--old-composes', '/old']);
  });

  it('has the type of the settings where they have one', () => {
    expect(pungiArguments({ ...run, arguments: ['--nightly', '--quiet'] })).toEqual(['--config=/c/pungi.json', '--no-latest-link', '--compose-dir=/t', '--nightly', '--quiet', '--old-composes', '/old']);
  });

  it('never takes a value for an option', () => {
    const args = pungiArguments({ ...run, request: { ...run.request, label: '--just-phase=x', respinOf: '--production', parentPungiComposeIds: ['-h'] } });
    expect(args.filter((arg) => arg.includes('-h') || arg.includes('phase') || arg.includes('production'))).toEqual(['--label=--just-phase=x', '--parent-compose-id=-h', '--respin-of=--production']);
  });
});

describe('lorax', () => {
  it('is the one of the settings, with nothing of the worker’s environment that is not for it', () => {
    settings('lorax: { program: /opt/lorax, arguments: [--squashfs-only], environment: { A: b } }\n');
    expect(loraxSettings(file).program).toBe('/opt/lorax');
    expect(loraxSettings(undefined).program).toBe('lorax');
    const found = settleLorax(file, { findTool: (name) => name, environment: { PATH: '/bin', HOME: '/h', MILLRACE_CONTROL_AUTH: 'secret' } });
    expect(found).toEqual({ program: '/opt/lorax', arguments: ['--squashfs-only'], environment: { PATH: '/bin', HOME: '/h', LANG: 'C.UTF-8', A: 'b' } });
    expect(() => settleLorax(file, { findTool: () => undefined, environment: {} })).toThrow('/opt/lorax, which makes boot.iso, is not on this worker');
  });

  it('makes images for this machine only', () => {
    expect([bootableHere('x86_64'), bootableHere('i686')]).toEqual([process.arch === 'x64', process.arch === 'x64' || process.arch === 'ia32']);
    expect(bootableHere('z80')).toBe(false);
  });
});
