import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { errorTable } from '../../libs/errors/error-table.js';
import { ComposeNameService } from './__fixtures__/compose-name-service.js';
import { millrace } from './__fixtures__/recorded-terminal.js';

let service: ComposeNameService;
beforeEach(async () => {
  service = await ComposeNameService.start();
});
afterEach(() => service[Symbol.asyncDispose]());

const cli = (...parameters: readonly string[]) => millrace(service.environment, 'compose', 'name', ...parameters);

describe('millrace compose name', () => {
  it('list shows names with their composes, page by page', async () => {
    const { exitCode, stdout } = await cli('list', '--limit', '1', '--cursor', 'a');
    expect([exitCode, service.lines]).toEqual([0, ['GET /v1/compose-names?limit=1&cursor=a']]);
    expect(stdout).toMatch(/nightly.*2.*2026-03-20T10:00:00\.000Z.*ann/);
    expect(stdout).toContain('More: --cursor nightly');
    expect(JSON.parse((await cli('list', '--json')).stdout)).toMatchObject({ items: [{ name: 'nightly', composeId: 2 }], nextCursor: null });
  });

  it('show tells the addresses and the history, made harmless', async () => {
    const { stdout } = await cli('show', 'nightly');
    expect(stdout).toContain(`.repo file  ${service.address}/composes/latest/nightly.repo`);
    expect(stdout).toMatch(/1.*rolled-back.*2026-03-19/);
    expect(stdout).not.toContain('\u001b');
    expect(JSON.parse((await cli('show', 'nightly', '--json')).stdout)).toMatchObject({ composeId: 2, history: [{ composeId: 2 }, { composeId: 1 }] });
  });

  it('set points it elsewhere, and at an older compose by force only', async () => {
    expect((await cli('set', 'nightly', '3')).stdout).toContain('compose     3');
    const refused = await cli('set', 'nightly', '1');
    expect([refused.exitCode, refused.stderr]).toEqual([errorTable['compose-closed'].exit, expect.stringContaining('it is compose-closed')]);
    expect(JSON.parse((await cli('set', 'nightly', '1', '--force', '--json')).stdout)).toMatchObject({ composeId: 1 });
    expect(service.seen.map(({ line, body }) => [line, body])).toEqual([['PUT /v1/compose-names/nightly', { composeId: 3 }], ['PUT /v1/compose-names/nightly', { composeId: 1 }], ['PUT /v1/compose-names/nightly', { composeId: 1, force: true }]]);
  });

  it('rollback goes to the compose before, or to one', async () => {
    expect((await cli('rollback', 'nightly')).stdout).toContain('compose     1');
    expect((await cli('rollback', 'nightly', '--to', '7')).stdout).toContain('compose     7');
    expect(service.seen.map(({ line, body }) => [line, body])).toEqual([['POST /v1/compose-names/nightly/rollback', {}], ['POST /v1/compose-names/nightly/rollback', { to: 7 }]]);
  });

  it('remove says what becomes of the compose', async () => {
    expect((await cli('remove', 'nightly')).stdout).toBe('The name nightly is removed. Its compose expires as usual.\n');
    expect(JSON.parse((await cli('remove', 'nightly', '--json')).stdout)).toEqual({ name: 'nightly', removed: true });
  });

  it('of a name that there is not ends with a code of its own', async () => {
    for (const parameters of [['show', 'none'], ['set', 'a/b', '1'], ['rollback', 'none'], ['remove', 'none']]) expect(await cli(...parameters)).toMatchObject({ exitCode: errorTable['compose-name-not-found'].exit, stdout: '' });
    expect(service.lines).toContain('PUT /v1/compose-names/a%2Fb');
  });

  it.each([['set', 'nightly'], ['set', 'nightly', 'one'], ['set', 'nightly', '0'], ['rollback', 'nightly', '--to', '-1'], ['list', '--limit', '501'], ['show']])('%s %s %s is a mistake', async (...parameters) => {
    expect((await cli(...parameters)).exitCode).toBe(64);
    expect(service.lines).toEqual([]);
  });
});
