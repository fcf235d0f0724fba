import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readSettings, type Environment } from './settings.js';

const home = mkdtempSync(path.join(tmpdir(), 'millrace-settings-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const read = (environment: Environment) => readSettings({ MILLRACE_HOME: home, ...environment }).koji;

describe('the settings of a Koji hub', () => {
  const hub = 'https://koji.example/kojihub';

  it('have one place of files', () => {
    expect(read({})).toBeUndefined();
    expect(read({ MILLRACE_KOJI_TOPDIR: '/mnt/koji' })).toBeUndefined();
    expect(read({ MILLRACE_KOJI_HUB: hub, MILLRACE_KOJI_TOPDIR: '/mnt/koji/' })).toEqual({ hub, top: '/mnt/koji' });
    expect(read({ MILLRACE_KOJI_HUB: hub, MILLRACE_KOJI_TOPURL: 'https://koji.example/kojifiles' })).toEqual({ hub, top: 'https://koji.example/kojifiles' });
  });

  it.each<[Environment, string]>([
    [{}, 'MILLRACE_KOJI_HUB needs MILLRACE_KOJI_TOPURL or MILLRACE_KOJI_TOPDIR'],
    [{ MILLRACE_KOJI_TOPURL: 'https://koji.example/kojifiles', MILLRACE_KOJI_TOPDIR: '/mnt/koji' }, 'needs one of MILLRACE_KOJI_TOPURL and MILLRACE_KOJI_TOPDIR, not both'],
    [{ MILLRACE_KOJI_TOPDIR: 'mnt' }, 'MILLRACE_KOJI_TOPDIR: must be an absolute path'],
    [{ MILLRACE_KOJI_HUB: 'https://user:word@koji.example/kojihub' }, 'MILLRACE_KOJI_HUB: must have no user and password'],
    [{ MILLRACE_KOJI_TOPURL: 'ftp://koji.example' }, 'MILLRACE_KOJI_TOPURL'],
  ])('with %j are refused', (environment, message) => {
    expect(() => read({ MILLRACE_KOJI_HUB: hub, ...environment })).toThrow(expect.objectContaining({ code: 'invalid-setting', message: expect.stringContaining(message) }));
  });
});
