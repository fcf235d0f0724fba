import { describe, expect, it } from '@jest/globals';
import { composeRequest, generatedTree, pinnedInputs } from '../compose-record/__fixtures__/composes.js';
import { decide, type ComposeCommand } from './compose-decisions.js';
import { evolve, unborn, type ComposeLife } from './compose-life.js';

const now = '2026-01-02T03:04:05.000Z';
const request = composeRequest({ secondsToLive: 60, kojiEvent: 5 });
const inputs = pinnedInputs(request);

const asked: ComposeCommand = { type: 'RequestCompose', composeId: 7, owner: 'ann', request, now };
const begun: ComposeCommand = { type: 'BeginGeneration', now };
const pinned: ComposeCommand = { type: 'PinSources', inputs };
const claimed: ComposeCommand = { type: 'ClaimTree', inputsDigest: 'd' };
const completed: ComposeCommand = { type: 'CompleteCompose', tree: generatedTree(7), now };
const named: ComposeCommand = { type: 'NameCompose', name: 'nightly', keepSeconds: 600, now };

const given = (...commands: readonly ComposeCommand[]): ComposeLife => commands.reduce((life, command) => decide(command, life).reduce(evolve, life), unborn);
const types = (command: ComposeCommand, life: ComposeLife): string[] => decide(command, life).map(({ type }) => type);

describe('the compose aggregate', () => {
  it.each<[string, readonly ComposeCommand[], ComposeCommand]>([
    ['begins once', [asked, begun], begun],
    ['keeps what was pinned first', [asked, begun, pinned], { type: 'PinSources', inputs: pinnedInputs(request, 'z') }],
    ['unpins only what is pinned', [asked, begun], { type: 'UnpinSources', reason: 'x' }],
    ['is done once', [asked, begun, pinned, claimed, completed], completed],
    ['fails once', [asked, { type: 'FailCompose', reason: 'x', final: true, now }], { type: 'FailCompose', reason: 'y', final: false, now }],
    ['is cancelled once', [asked, { type: 'CancelCompose', by: 'a', now }], { type: 'CancelCompose', by: 'b', now }],
    ['is not extended to an earlier time', [asked, begun, pinned, claimed, completed], { type: 'ExtendCompose', until: now, by: 'a', renewedId: 7, now }],
    ['follows one compose once', [asked, begun, pinned, { type: 'FollowCompose', leader: 3 }], { type: 'FollowCompose', leader: 3 }],
    ['does not expire early', [asked, begun, pinned, claimed, completed], { type: 'ExpireCompose', keepSeconds: 9, now }],
    ['is given a name once', [asked, begun, pinned, claimed, completed, named], named],
    ['loses no name that it does not have', [asked, begun, pinned, claimed, completed], { type: 'UnnameCompose', name: 'nightly', keepSeconds: 9, now }],
    ['releases no tree that it does not have', [asked], { type: 'ReleaseTree', now }],
    ['forgets no tree that is not released', [asked, begun, pinned, claimed], { type: 'ForgetTree', now }],
  ])('%s', (_name, before, command) => {
    expect(types(command, given(...before))).toEqual([]);
  });

  it('knows nothing before it is asked for', () => {
    expect(() => decide(begun, unborn)).toThrow(expect.objectContaining({ code: 'compose-not-found' }));
    expect(evolve(unborn, { type: 'GenerationStarted', data: { startedAt: now } })).toEqual(unborn);
  });

  it('with a name is renewed when it is due, by that name, and is not removed', () => {
    const life = given(asked, begun, pinned, claimed, completed, named, { ...named, name: 'weekly' });
    expect(life).toMatchObject({ names: ['nightly', 'weekly'], compose: { expiresAt: '2026-01-02T03:14:05.000Z' } });
    const due: ComposeCommand = { type: 'ExpireCompose', keepSeconds: 60, now: '2026-01-02T03:14:05.000Z' };
    expect(decide(due, life)).toEqual([{ type: 'ComposeRenewed', data: { renewedAt: due.now, expiresAt: '2026-01-02T03:15:05.000Z', by: 'name:nightly', renewedId: 7 } }]);
    expect(() => decide({ type: 'RemoveCompose', by: 'ann', now }, life)).toThrow(expect.objectContaining({ code: 'resources-in-use' }));
    const left = (['nightly', 'weekly'] as const).reduce((before, name) => decide({ type: 'UnnameCompose', name, keepSeconds: 60, now }, before).reduce(evolve, before), life);
    expect(types(due, left)).toEqual(['ComposeRemoved']);
    expect(() => decide(named, given(asked, begun))).toThrow(expect.objectContaining({ code: 'compose-closed' }));
    expect(() => decide(named, given(asked, begun, pinned, claimed, completed, { type: 'RemoveCompose', by: 'ann', now }))).toThrow(expect.objectContaining({ code: 'compose-closed', message: expect.stringContaining('ann has asked for its removal') }));
  });

  it('is asked for once', () => {
    expect(() => decide(asked, given(asked))).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('has the event of its request until the sources are pinned, and again when they are not any more', () => {
    expect(given(asked, begun).compose?.kojiEvent).toBe(5);
    expect(given(asked, begun, pinned).compose?.kojiEvent).toBe(inputs.kojiEvent);
    expect(given(asked, begun, pinned, claimed, { type: 'UnpinSources', reason: 'x' })).toMatchObject({ inputs: null, promises: null, tree: { state: 'abandoned' }, compose: { kojiEvent: 5, stateReason: 'Compose thread started' } });
  });

  it('of a Pungi compose tells the packages that it was pinned to; of a repository what was asked for', () => {
    const of = (sourceType: 'repo' | 'pungi_compose') => {
      const own = composeRequest({ sourceType });
      const found = { ...own, arches: ['s390x'], packages: ['a', 'b'], builds: ['a-1-1'], sigkeys: ['', 'abcd'] };
      return given({ ...asked, request: own }, begun, { type: 'PinSources', inputs: pinnedInputs(found) }).compose?.request;
    };
    expect(of('pungi_compose')).toMatchObject({ arches: ['s390x'], packages: ['a', 'b'], builds: ['a-1-1'], sigkeys: ['', 'abcd'] });
    expect(of('repo')).toEqual(composeRequest({ sourceType: 'repo' }));
  });

  it('keeps the logs of its own attempt when it fails while it waits for another', () => {
    const life = given(asked, begun, pinned, claimed, { type: 'UnpinSources', reason: 'x' }, pinned, { type: 'FollowCompose', leader: 3 }, { type: 'CancelCompose', by: 'a', now });
    expect(life).toMatchObject({ promises: 7, compose: { reusedId: null } });
  });

  it('promises nothing when it is removed, and still says where its files were', () => {
    const reused = { id: 3, pungiComposeId: 'odcs-3-1-20260102.t.0', plan: 'p' };
    const done = given(asked, begun, pinned, { type: 'ReuseCompose', reused, now });
    expect(done).toMatchObject({ promises: 3, compose: { state: 'done', reusedId: 3, expiresAt: '2026-01-02T03:05:05.000Z' } });
    const removed = decide({ type: 'ExpireCompose', keepSeconds: 9, now: '2026-01-02T03:05:05.000Z' }, done).reduce(evolve, done);
    expect(removed).toMatchObject({ promises: null, compose: { state: 'removed', reusedId: 3 } });
  });

  it('does not take files that have no plan', () => {
    const reused = { id: 3, pungiComposeId: null, plan: null };
    expect(() => given(asked, begun, pinned, { type: 'ReuseCompose', reused, now })).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});
