import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { errorTable } from '../../libs/errors/error-table.js';
import { ComposeService } from './__fixtures__/compose-service.js';
import { millrace } from './__fixtures__/recorded-terminal.js';

let service: ComposeService;
beforeEach(async () => {
  service = await ComposeService.start();
});
afterEach(async () => {
  await service[Symbol.asyncDispose]();
});

const cli = (...parameters: readonly string[]) => millrace(service.environment, 'compose', ...parameters);

/** Calls when the first request of this kind has come. */
function once(line: RegExp, then: () => void): void {
  let done = false;
  service.onRequest = (seen) => {
    if (done || !line.test(seen)) return;
    done = true;
    setImmediate(then);
  };
}

describe('millrace compose create', () => {
  it('sends what the options say, in the shape of the API', async () => {
    const options = ['--repo', 'https://one.test/', '--repo', '/srv/two', '--arch', 'x86_64', '--arch', 'aarch64', '--sigkey', 'abcd1234', '--sigkey', '', '--flag', 'no_deps', '--result', 'iso', '--ttl', '3600'];
    const more = ['--label', 'RC-1.0', '--lookaside', 'https://base.test/', '--multilib-arch', 'x86_64', '--multilib-method', 'runtime', '--compose-type', 'nightly', '--target-dir', 'private', '--idempotency-key', 'once'];
    const { exitCode, stdout } = await cli('create', ...options, ...more, '--no-wait', '--json', 'bash', 'coreutils');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id: 1, state_name: 'wait', label: null });
    expect(service.seen).toMatchObject([{ line: 'POST /api/1/composes/', header: { 'idempotency-key': 'once' } }]);
    expect(service.seen[0]?.body).toEqual({
      source: { type: 'repo', source: 'https://one.test/ /srv/two', packages: ['bash', 'coreutils'], sigkeys: ['abcd1234', ''] },
      arches: ['x86_64', 'aarch64'],
      flags: ['no_deps'],
      results: ['iso'],
      seconds_to_live: 3600,
      label: 'RC-1.0',
      lookaside_repos: ['https://base.test/'],
      multilib_arches: ['x86_64'],
      multilib_method: ['runtime'],
      compose_type: 'nightly',
      target_dir: 'private',
    });
  });

  it.each([
    [['--pungi-compose', 'https://one.test/compose/Everything/'], { type: 'pungi_compose', source: 'https://one.test/compose/Everything/' }],
    [['--source-type', 'tag', '--source', 'f40'], { type: 'tag', source: 'f40' }],
    [['--source-type', 'build'], { type: 'build' }],
  ] as const)('%j is another source', async (options, source) => {
    await cli('create', ...options, '--no-wait');
    expect(service.seen[0]?.body).toEqual({ source });
  });

  it.each([
    [['bash'], 'a compose has one source'],
    [['--repo', 'https://one.test/', '--source-type', 'tag'], 'a compose has one source'],
    [['--repo', 'https://one.test/', '--source', 'x'], '--source goes with --source-type'],
    [['--repo', 'https://one.test/', '--flag', 'no_such_flag'], 'It must be one of: no_flags, no_deps'],
    [['--repo', 'https://one.test/', '--ttl', 'soon'], 'whole number of seconds'],
    [['--repo', 'https://one.test/', '--compose-type', 'nigthly'], 'Allowed choices are test, ci, nightly'],
  ] as const)('%j is wrong use', async (options, words) => {
    const { exitCode, stderr } = await cli('create', ...options);
    expect({ exitCode, lines: service.lines }).toEqual({ exitCode: 64, lines: [] });
    expect(stderr).toContain(words);
  });

  it('says what the service finds wrong', async () => {
    const { exitCode, stderr } = await cli('create', '--source-type', 'module');
    expect({ exitCode, stderr }).toEqual({ exitCode: 64, stderr: 'millrace: No source provided for module\n' });
  });

  it('tells a conflict of idempotency keys from wrong use', async () => {
    const { exitCode, stderr } = await cli('create', '--source-type', 'pulp', '--source', 'x', '--idempotency-key', 'once');
    expect({ exitCode, stderr }).toEqual({ exitCode: errorTable['idempotency-conflict'].exit, stderr: 'millrace: this Idempotency-Key was used for another request\n' });
  });

  it('shows state, queue and log while it waits, and the compose when it is done', async () => {
    let looks = 0;
    service.onRequest = (line) => {
      if (line !== 'GET /v1/composes/1') return;
      looks += 1;
      if (looks === 1) service.compose(1).queuePosition = 3;
      else service.change(1, { state: 'generating', queuePosition: null, log: '2026-03-20 10:00:00 [INFO    ] reads https://one.test/\nsecond \u001b[31mline\nunfinished' });
      if (looks === 3) setTimeout(() => service.change(1, { state: 'done', log: `${service.compose(1).log} line\nlast line\n` }), 50);
    };
    const { exitCode, stdout, stderr } = await cli('create', '--repo', 'https://one.test/');
    expect(exitCode).toBe(0);
    expect(stderr.split('\n')).toEqual([
      'compose 1: waiting',
      'compose 1: waiting, number 3 in the queue',
      'compose 1: generating',
      '  2026-03-20 10:00:00 [INFO    ] reads https://one.test/',
      '  second \\u{1b}[31mline',
      '  unfinished line',
      '  last line',
      'compose 1: done',
      '',
    ]);
    expect(stdout).toMatch(/^compose {5}1\nstate {7}done\n[^]*\.repo file {2}http:.*odcs-1\.repo\n/);
    expect(service.seen.filter(({ line }) => line.includes('pungi-stderr.log')).every(({ header }) => header.authorization === undefined)).toBe(true);
  });
});

describe('millrace compose wait', () => {
  it('ends at once for a compose that is done, with JSON alone on standard output', async () => {
    service.change(4, { state: 'done' });
    const { exitCode, stdout, stderr } = await cli('wait', '4', '--json');
    expect({ exitCode, stderr, lines: service.lines }).toEqual({ exitCode: 0, stderr: 'compose 4: done\n', lines: ['GET /api/1/composes/4'] });
    expect(JSON.parse(stdout)).toMatchObject({ id: 4, state_name: 'done' });
  });

  it.each([
    ['failed', 'a line\n'],
    ['removed', ''],
  ] as const)('says why a compose %s, and where its log is, if it has one', async (state, log) => {
    service.compose(4);
    once(/wait=30/, () => service.change(4, { state, log, reason: 'nothing provides libfoo.so.1 needed by bar\nby anonymous' }));
    const { exitCode, stdout, stderr } = await cli('wait', '4');
    expect({ exitCode, stdout }).toEqual({ exitCode: errorTable['compose-failed'].exit, stdout: '' });
    const said = `millrace: compose 4 ${state === 'failed' ? 'failed' : 'was removed'}: nothing provides libfoo.so.1 needed by bar; by anonymous\n`;
    expect(stderr.slice(stderr.indexOf('millrace:'))).toBe(log === '' ? said : `${said}  Its log: ${service.address}/composes/odcs-4/pungi-stderr.log\n`);
  });

  it('tells of attempts, and of another compose that makes the files, without showing its log as its own', async () => {
    service.change(4, { state: 'generating', queuePosition: null, attempts: 3 });
    let looks = 0;
    service.onRequest = (line) => {
      if (line !== 'GET /v1/composes/4') return;
      looks += 1;
      if (looks === 2) service.compose(4).reusedId = 3;
      if (looks === 2) setTimeout(() => service.change(4, { state: 'done', log: 'of compose 3\n' }), 50);
    };
    const { stderr } = await cli('wait', '4');
    expect(stderr).toBe('compose 4: generating\ncompose 4: generating, attempt 3\ncompose 4: generating, waits for the files of compose 3\ncompose 4: done, with the files of odcs-3\n');
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('leaves the compose alone at %s, and says so', async (signal, code) => {
    service.compose(4);
    once(/wait=30/, () => process.emit(signal, signal));
    const { exitCode, stderr } = await cli('wait', '4');
    expect(exitCode).toBe(code);
    expect(stderr).toContain('compose 4 goes on without you. Wait again: millrace compose wait 4.');
    expect(service.lines.some((line) => line.startsWith('DELETE'))).toBe(false);
    expect(process.listenerCount(signal)).toBe(0);
  });

  it('outlives a service that is being restarted', async () => {
    service.compose(4);
    let cut = 0;
    service.onRequest = (line) => {
      if (!line.includes('wait=30')) return;
      cut += 1;
      if (cut === 1) setImmediate(() => service.disconnect());
      else setImmediate(() => service.change(4, { state: 'done' }));
    };
    const { exitCode } = await cli('wait', '4');
    expect({ exitCode, cut }).toEqual({ exitCode: 0, cut: 2 });
  });

  it('says that there is no such compose', async () => {
    const { exitCode, stderr } = await cli('wait', '99');
    expect({ exitCode, stderr }).toEqual({ exitCode: errorTable['compose-not-found'].exit, stderr: 'millrace: No such compose found.\n' });
  });
});

describe('millrace compose', () => {
  it('list shows a page and how to get the next', async () => {
    for (const id of [1, 2, 3]) service.change(id, { state: 'done' });
    const { stdout } = await cli('list', '--state', 'done', '--owner', 'spec', '--source-type', 'repo', '--limit', '2');
    expect(service.lines).toEqual(['GET /api/1/composes/?state=done&owner=spec&source_type=repo&per_page=2']);
    expect(stdout).toMatch(/3 │ done +│ repo[^]*2 │ done[^]*\nPage 1 of 2, 3 composes\. More: --page 2\n$/);
    expect(JSON.parse((await cli('list', '--json')).stdout)).toMatchObject({ items: [{ id: 3 }, { id: 2 }, { id: 1 }], meta: { total: 3 } });
  });

  it.each([
    ['--page', '0'],
    ['--page', 'two'],
    ['--limit', '101'],
  ] as const)('list takes no %s %s', async (option, value) => {
    expect(await cli('list', option, value)).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('It must be a whole number from 1 to') });
  });

  it('list says when there is none', async () => {
    expect((await cli('list')).stdout).toBe('No composes.\n');
  });

  it('get shows a compose', async () => {
    service.change(2, { state: 'failed', reason: 'first\nsecond', log: 'a line\n' });
    const { stdout } = await cli('get', '2');
    expect(stdout).toContain(`log         ${service.address}/composes/odcs-2/pungi-stderr.log\n`);
    expect(stdout).toContain('reason      first; second\n');
    expect(stdout).toContain('source      repo https://repos.example.test/stable/\n');
  });

  it.each(['0', 'x', '1.5', '-1'])('get takes no %j for a number', async (id) => {
    expect((await cli('get', '--', id)).exitCode).toBe(64);
  });

  it('renew keeps a compose longer, or says which one is made instead', async () => {
    service.change(2, { state: 'done' });
    expect((await cli('renew', '2', '--ttl', '60')).stdout).toBe('Compose 2 is kept until 2026-03-21T10:00:00Z.\n');
    expect((await cli('renew', '2', '--label', 'RC-2.0', '--sigkey', 'abcd')).stdout).toMatch(/^Compose 2 is made again as compose 3\.\n/);
    expect(service.seen.map(({ line, body }) => [line, body])).toEqual([
      ['PATCH /api/1/composes/2', { seconds_to_live: 60 }],
      ['PATCH /api/1/composes/2', { label: 'RC-2.0', sigkeys: ['abcd'] }],
    ]);
  });

  it('cancel ends what runs, and delete what has ended, and neither does the other', async () => {
    service.change(1, { state: 'generating' });
    service.change(2, { state: 'done' });
    expect((await cli('cancel', '1')).stdout).toBe('Compose (id=1) has been canceled\n');
    expect(JSON.parse((await cli('delete', '2', '--json')).stdout)).toEqual({ compose: 2, message: 'Compose (id=2) has been marked as expired' });
    const [cancel, remove] = [await cli('cancel', '2'), await cli('delete', '1')];
    expect([cancel.exitCode, remove.exitCode]).toEqual([65, 65]);
    expect(cancel.stderr).toBe('millrace: compose 2 has ended already: it is done\n  Delete it: millrace compose delete 2.\n');
    expect(remove.stderr).toBe('millrace: compose 1 has not ended yet\n  Cancel it: millrace compose cancel 1.\n');
    expect(service.lines.filter((line) => line.startsWith('DELETE'))).toEqual(['DELETE /api/1/composes/1', 'DELETE /api/1/composes/2']);
  });

  it('diff shows what two composes do not have in common', async () => {
    const rpms = (...nevras: readonly string[]) => ({ payload: { rpms: { Temporary: { x86_64: { 'a-0:1-1.src': Object.fromEntries(nevras.map((nevra) => [nevra, { category: 'binary', path: 'x', sigkey: null }])) } } } } });
    service.change(1, { state: 'done', rpms: rpms('bash-0:5.2-1.x86_64', 'gone-0:1-1.noarch', 'same-0:1-1.x86_64') });
    service.change(2, { state: 'done', rpms: rpms('bash-0:5.10-1.x86_64', 'new-1:1~rc1-1.noarch', 'same-0:1-1.x86_64') });
    const { stdout } = await cli('diff', '1', '2');
    expect(stdout).toBe('x86_64\n  added: 1\n    new.noarch 1:1~rc1-1\n  removed: 1\n    gone.noarch 1-1\n  upgraded: 1\n    bash.x86_64 5.2-1 → 5.10-1\n');
    expect(JSON.parse((await cli('diff', '1', '2', '--json')).stdout)).toMatchObject({ before: 1, after: 2, arches: [{ arch: 'x86_64', downgraded: [] }] });
    expect((await cli('diff', '1', '1')).stdout).toBe('The same packages in both.\n');
  });

  it('diff needs composes that are done, and readable metadata', async () => {
    service.change(1, { state: 'done', rpms: { payload: 7 } });
    service.change(2, { state: 'failed' });
    service.change(3, { state: 'done' });
    expect(await cli('diff', '1', '2')).toMatchObject({ exitCode: 65, stderr: expect.stringContaining('compose 2 is failed: only composes that are done can be compared') });
    expect(await cli('diff', '1', '3')).toMatchObject({ exitCode: 69, stderr: expect.stringContaining('/odcs-3/compose/metadata/rpms.json: HTTP status 404') });
    expect(await cli('diff', '1', '1')).toMatchObject({ exitCode: 64, stderr: expect.stringContaining('rpms.json does not have the shape') });
  });
});
