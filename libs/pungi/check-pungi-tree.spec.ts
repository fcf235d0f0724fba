import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { checkPungiTree } from './check-pungi-tree.js';

let root: string;
const id = 'Kitchen-1.0-20261121.n.0';
const rpm = 'Server/x86_64/os/Packages/h/hello-1.0-1.noarch.rpm';

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'millrace-tree-'));
  write('STATUS', 'FINISHED\n');
  write('COMPOSE_ID', id);
  write('logs/global/pungi.global.log', '');
  write('logs/global/config-dump.global.log', '{"release_short": "Kitchen"}');
  write('work/global/composeinfo-base.json', '{}');
  write(`compose/${rpm}`, 'twelve bytes');
  write('compose/metadata/composeinfo.json', JSON.stringify({ payload: { compose: { id } } }));
  writeRpms({ 'hello-0:1.0-1.noarch': { category: 'binary', path: rpm, sigkey: null } });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const place = (name: string): string => path.join(root, name);
function write(name: string, text: string): void {
  mkdirSync(path.dirname(place(name)), { recursive: true });
  writeFileSync(place(name), text);
}
function writeRpms(packages: object): void {
  write('compose/metadata/rpms.json', JSON.stringify({ payload: { rpms: { Server: { x86_64: { 'hello-0:1.0-1.src': packages } } } } }));
}
const remove = (name: string): void => rmSync(place(name), { recursive: true });
const check = (packages: readonly string[] = []) => checkPungiTree(root, { packages, signal: new AbortController().signal });

describe('a tree of Pungi', () => {
  it('is told by its id, its packages and its configuration', async () => {
    linkSync(place(`compose/${rpm}`), place('compose/again.rpm'));
    symlinkSync('again.rpm', place('compose/linked.rpm'));
    expect(await check(['hello'])).toEqual({ pungiComposeId: id, packages: 1, bytes: 12, configDump: '{"release_short": "Kitchen"}' });
  });

  it('may be of images only, and without its configuration', async () => {
    for (const name of ['compose/metadata/rpms.json', 'compose/Server', 'logs/global/config-dump.global.log']) remove(name);
    expect(await check()).toEqual({ pungiComposeId: id, packages: 0, bytes: 0, configDump: null });
  });

  it('may have a package that is a link to another within it', async () => {
    renameSync(place(`compose/${rpm}`), place('compose/hello.rpm'));
    symlinkSync('../../../../../hello.rpm', place(`compose/${rpm}`));
    expect((await check()).packages).toBe(1);
  });

  it.each<[string, () => void, string]>([
    ['is not finished', () => write('STATUS', 'DOOMED'), 'with the status "DOOMED", which is not finished'],
    ['has no status', () => remove('STATUS'), 'without STATUS'],
    ['has a status that does not end', () => (remove('STATUS'), symlinkSync('/dev/zero', place('STATUS'))), 'STATUS of the compose is no file'],
    ['is a link to elsewhere', () => (remove('compose'), symlinkSync('/etc', place('compose'))), 'compose of the compose is no directory'],
    ['has a log directory that is a link', () => (remove('logs'), symlinkSync('/var', place('logs'))), 'logs of the compose is no directory'],
    ['has a directory that we write to, and is a link', () => (remove('work/global'), symlinkSync('/var/tmp', place('work/global'))), 'work/global of the compose is no directory'],
    ['has a pipe', () => void execFileSync('mkfifo', [place('compose/pipe')]), 'compose/pipe of the compose is neither a file nor a directory'],
    ['has a pipe beside the usual', () => void execFileSync('mkfifo', [place('pipe')]), 'pipe of the compose is neither a file nor a directory'],
    ['has a pipe for metadata', () => (unlinkSync(place('compose/metadata/composeinfo.json')), void execFileSync('mkfifo', [place('compose/metadata/composeinfo.json')])), 'composeinfo.json is no file'],
    ['has metadata that are a link', () => (unlinkSync(place('compose/metadata/composeinfo.json')), symlinkSync('/dev/zero', place('compose/metadata/composeinfo.json'))), 'composeinfo.json is no file'],
    ['has metadata below a link', () => (renameSync(place('compose/metadata'), place('work/metadata')), symlinkSync('../work/metadata', place('compose/metadata'))), 'is below a symbolic link'],
    ['has no metadata', () => unlinkSync(place('compose/metadata/composeinfo.json')), 'without compose/metadata/composeinfo.json'],
    ['has metadata of another', () => write('COMPOSE_ID', 'Other-1-20261121.0'), 'is that of the compose "Kitchen-1.0-20261121.n.0", and not of Other-1-20261121.0'],
    ['has an id that is a path', () => write('COMPOSE_ID', '../../outside'), 'COMPOSE_ID of the compose is "../../outside"'],
    ['has an id that is the name of another link', () => write('COMPOSE_ID', 'latest-Kitchen-1.0'), 'COMPOSE_ID of the compose is "latest-Kitchen-1.0"'],
    ['has an id longer than a name of a file', () => write('COMPOSE_ID', `${'K'.repeat(300)}-20261121.n.0`), 'COMPOSE_ID has 313 bytes'],
    ['has an id without end', () => write('COMPOSE_ID', 'x'.repeat(1000)), 'COMPOSE_ID has 1000 bytes'],
    ['has metadata that are no JSON', () => write('compose/metadata/rpms.json', '<html>'), 'rpms.json of the compose is no JSON'],
    ['has metadata without bottom', () => write('compose/metadata/rpms.json', '['.repeat(3_000_000)), 'rpms.json of the compose is no JSON'],
    ['has metadata of another form', () => write('compose/metadata/rpms.json', '{"payload": {"rpms": {"Server": []}}}'), 'has not the form that productmd gives it'],
    ['has a configuration of another form', () => write('logs/global/config-dump.global.log', '[1]'), 'config-dump.global.log of the compose has not the form'],
    ['has directories without end', () => mkdirSync(place(`compose/${'d/'.repeat(100)}`), { recursive: true }), 'directories deep'],
    ['lists what is not there', () => unlinkSync(place(`compose/${rpm}`)), `are links that lead out of it: ${rpm}`],
    ['links its packages to elsewhere', () => (unlinkSync(place(`compose/${rpm}`)), symlinkSync('/etc/hostname', place(`compose/${rpm}`))), 'are links that lead out of it'],
    ['lists what is outside', () => writeRpms({ 'hello-0:1.0-1.noarch': { category: 'binary', path: '../STATUS' } }), 'are links that lead out of it: ../STATUS'],
  ])('that %s is none', async (_name, change, message) => {
    change();
    await expect(check()).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining(message) });
  });

  it('without a binary package that was asked for is not what was asked for', async () => {
    writeRpms({ 'hello-0:1.0-1.src': { category: 'source', path: rpm }, 'lid-libs-0:1.0-1.noarch': { category: 'binary', path: rpm } });
    await expect(check(['lid-libs', 'hello', 'lid'])).rejects.toMatchObject({ code: 'unresolvable', message: 'Pungi has made a compose without these packages: hello, lid' });
  });

  it('is not looked through to its end when nobody wants that any more', async () => {
    await expect(checkPungiTree(root, { packages: [], signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});
