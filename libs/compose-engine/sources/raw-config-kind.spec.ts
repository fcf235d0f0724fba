import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ComposeRequest } from '../../compose/compose-request.js';
import { composeRequest } from '../../testing/compose-request.js';
import { checkRequest } from '../check-request.js';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-raw-'));
  file = path.join(folder, 'pungi.yaml');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const programs = ['pungi-koji', 'pungi-config-dump'];
const elsewhere = process.arch === 'x64' ? 'aarch64' : 'x86_64';
const here = { x64: 'x86_64', arm64: 'aarch64', ppc64: 'ppc64le', s390x: 's390x' }[process.arch as string] ?? 'x86_64';

function check(change: Partial<ComposeRequest>, { settings = 'raw-configs: { eln: { url: "https://git.example/eln.git", config-filename: eln.conf }, rawhide: { url: "https://git.example/rawhide.git", config-filename: fedora.conf } }\n', tools = programs, configured = true }: { readonly settings?: string; readonly tools?: readonly string[]; readonly configured?: boolean } = {}): string {
  writeFileSync(file, settings);
  try {
    checkRequest(composeRequest({ sourceType: 'raw_config', source: ['eln#main'], ...change }), { composes: '/composes', composeUrl: 'http://composes.example', composeTargetDirs: {}, koji: undefined, moduleBuildService: undefined, pulpFile: undefined, pungiFile: configured ? file : undefined, hasTool: (name) => tools.includes(name) });
    return '';
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid-request' });
    return (error as Error).message;
  }
}

describe('a request for a compose of a raw configuration', () => {
  it.each<[string, Partial<ComposeRequest>, string]>([
    ['is taken', {}, ''],
    ['may ask for every result: Pungi makes what its configuration says', { results: ['repository', 'iso', 'boot.iso'] }, ''],
    ['may have a label', { composeType: 'production', label: 'RC-1.0' }, ''],
    ['names what is configured', { source: ['epel#main'] }, 'there is no configuration of Pungi named "epel"; there are eln, rawhide'],
    ['names no property of everything', { source: ['constructor#main'] }, 'there is no configuration of Pungi named "constructor"; there are eln, rawhide'],
    ['names one', { source: ['eln#main', 'rawhide#main'] }, 'source type raw_config takes one name#commit; there are eln, rawhide'],
    ['has a type that Pungi knows', { composeType: '../../etc' }, 'Pungi knows no compose_type "../../etc"; it knows test, ci, nightly, production, development'],
    ['has a label that Pungi knows', { label: 'latest' }, '"latest" is no label that Pungi takes: it takes RC-1.0 and the like'],
    ['has a label for production', { composeType: 'production' }, 'Pungi needs a label for compose_type production, or the flag no_label'],
    ['may say that production has no label', { composeType: 'production', flags: ['no_label'] }, ''],
  ])('%s', (_name, change, message) => {
    expect(check(change)).toBe(message);
  });

  it.each<[string, Parameters<typeof check>[1], string]>([
    ['without settings', { configured: false }, 'configurations of Pungi (MILLRACE_PUNGI)'],
    ['without configurations', { settings: 'pungi: {}\n' }, 'configurations of Pungi (raw-configs in the file of MILLRACE_PUNGI)'],
    ['with mistakes in them, which are for others to read', { settings: 'raw-config: {}\n' }, 'settings of Pungi without mistakes (MILLRACE_PUNGI)'],
    ['where Pungi is not installed', { tools: ['pungi-koji'] }, 'Pungi (pungi-config-dump, which cannot be found here)'],
    ['where its validation is not installed', { settings: 'pungi: { config-validate: /opt/validate }\nraw-configs: { eln: { url: /srv/eln, config-filename: eln.conf } }\n' }, 'Pungi (/opt/validate, which cannot be found here)'],
  ])('%s is refused with what is missing', (_name, options, missing) => {
    expect(check({}, options)).toBe(`composes of source type raw_config need ${missing}, which this service does not have; it has repo, pungi_compose`);
  });
});

describe('a request for boot.iso', () => {
  it.each([
    [[here], ['lorax'], ''],
    [[here, elsewhere], ['lorax'], `the result boot.iso is made on machines of its architecture, which these here are not: ${elsewhere}`],
    [[here], [], 'the result boot.iso needs lorax, which is not installed where composes are made'],
  ])('for %p with %p says %p', (arches, tools, message) => {
    expect(check({ sourceType: 'repo', source: ['/srv/os'], arches, results: ['repository', 'boot.iso'] }, { tools })).toBe(message);
  });

  it('looks for the lorax of the settings', () => {
    expect(check({ sourceType: 'repo', source: ['/srv/os'], arches: [here], results: ['repository', 'boot.iso'] }, { tools: ['lorax'], settings: 'lorax: { program: /opt/lorax }\n' })).toContain('needs /opt/lorax, which is not installed');
  });
});
