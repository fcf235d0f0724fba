import { describe, expect, it } from '@jest/globals';
import { generatedTree, pinnedInputs } from './__fixtures__/composes.js';
import { recordedComposes } from './__fixtures__/recorded-composes.js';

const { fresh, requested, pinned, done, commands, later, at, read, messages, expired } = recordedComposes();

describe('renewing', () => {
  it('extends what is done, and whatever shares its files', async () => {
    const request = fresh();
    const original = await done(request);
    const [reuser, other] = [await pinned(request), await pinned(request)];
    await commands().claimTree(reuser);
    await commands().claimTree(other);
    later(100);
    const { version } = await read(reuser);
    const before = await messages(reuser);
    expect(await commands().renew(reuser, { secondsToLive: 7200 }, { owner: 'bob' })).toMatchObject({ id: reuser, owner: 'ann', state: 'done', expiresAt: at(7200), version: version + 1 });
    expect(await read(original)).toMatchObject({ expiresAt: at(7200) });
    expect(await read(other)).toMatchObject({ expiresAt: at(3500) });
    await commands().renew(original, { secondsToLive: 10_000, label: '' }, { owner: 'bob' });
    for (const id of [original, reuser, other]) expect(await read(id)).toMatchObject({ expiresAt: at(10_000) });
    expect(await messages(reuser)).toEqual(before);
    // Never shorter; the default where nothing is said; never above the maximum.
    expect(await commands().renew(original, { secondsToLive: 1 }, { owner: 'bob' })).toMatchObject({ expiresAt: at(10_000) });
    expect(await commands().renew(original, {}, { owner: 'bob' })).toMatchObject({ expiresAt: at(86_400) });
    expect(await commands().renew(original, { secondsToLive: 999_999_999 }, { owner: 'bob' })).toMatchObject({ expiresAt: at(259_200) });
    await expect(commands().renew(original, { secondsToLive: -1 }, { owner: 'bob' })).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it('takes back a removal that has not happened yet', async () => {
    const id = await done();
    await commands().remove(id, 'ann');
    expect(await commands().renew(id, { secondsToLive: 60 }, { owner: 'bob' })).toMatchObject({ id, removedBy: null, expiresAt: at(60) });
    expect(await commands().expire(id)).toMatchObject({ removed: false });
  });

  it('makes what is gone again, with the very packages, under a new id', async () => {
    const request = fresh({ label: 'RC-1.0', secondsToLive: 10 });
    const id = await done(request);
    await expired(id);
    const copy = await commands().renew(id, { secondsToLive: 50 }, { owner: 'bob' });
    const { plan, pungiComposeId } = generatedTree(id);
    expect(copy).toMatchObject({ owner: 'bob', state: 'wait', pungiComposeId: null, kojiEvent: 1_700_000_000, request: { ...request, secondsToLive: 50, pinnedPlan: plan, respinOf: pungiComposeId, kojiEvent: 1_700_000_000 } });
    expect(copy.id).toBeGreaterThan(id);
    // The plan decides, not what the sources are now; and two renewals of one share their files.
    const again = await commands().renew(id, { secondsToLive: 50 }, { owner: 'bob' });
    for (const [compose, content] of [[copy, 'e'], [again, 'f']] as const) {
      await commands().begin(compose.id);
      await commands().pin(compose.id, pinnedInputs(compose.request, content));
    }
    expect(await commands().claimTree(copy.id)).toMatchObject({ kind: 'generate' });
    expect(await commands().claimTree(again.id)).toMatchObject({ kind: 'follow', tree: { id: copy.id } });
  });

  it.each([
    ['another label', { label: 'RC-2.0' }, { label: 'RC-2.0' }, true],
    ['other keys', { sigkeys: ['B2', 'A1'] }, { sigkeys: ['B2', 'A1'] }, false],
    ['builds', { builds: ['bash-5-1'] }, { builds: ['bash-5-1'] }, false],
    ['modules', { modules: ['a:1:1:1'] }, { modules: ['a:1:1:1'] }, false],
    ['an empty list of builds', { builds: [] }, { builds: [] }, true],
  ])('makes a copy for %s', async (_what, change, expected, samePackages) => {
    const request = fresh({ sigkeys: ['A1', 'B2'] });
    const id = await done(request);
    const copy = await commands().renew(id, change, { owner: 'bob' });
    expect(copy.id).not.toBe(id);
    expect(copy.request).toMatchObject({ ...expected, source: request.source, packages: request.packages, respinOf: generatedTree(id).pungiComposeId, pinnedPlan: samePackages ? generatedTree(id).plan : null, secondsToLive: 86_400 });
  });

  it('makes composes of Pungi with their configuration again, also with other builds, and never with the files of another', async () => {
    const request = fresh({ sourceType: 'raw_config', source: ['eln#main'], composeType: 'production', label: 'RC-1.0' });
    const id = await done(request);
    expect(await commands().claimTree(await pinned(request))).toMatchObject({ kind: 'generate' });
    const renewed = await commands().renew(id, { builds: ['bash-5-1'] }, { owner: 'bob' });
    expect(renewed.request).toMatchObject({ builds: ['bash-5-1'], pinnedPlan: generatedTree(id).plan, respinOf: generatedTree(id).pungiComposeId });
  });

  it('makes what failed again, and the renewal of a renewal that failed keeps its packages', async () => {
    const failed = await requested();
    await commands().fail(failed, 'no', { final: true });
    const copy = await commands().renew(failed, {}, { owner: 'bob' });
    expect(copy).toMatchObject({ state: 'wait', request: { pinnedPlan: null, respinOf: null } });
    const id = await done();
    await expired(id);
    const renewal = await commands().renew(id, {}, { owner: 'bob' });
    await commands().fail(renewal.id, 'the disk was full', { final: true });
    expect(await commands().renew(renewal.id, {}, { owner: 'bob' })).toMatchObject({ request: { pinnedPlan: generatedTree(id).plan } });
  });

  it('is refused until generation has ended, in the words of ODCS', async () => {
    for (const id of [await requested(), await pinned(), 999_999_999]) {
      await expect(commands().renew(id, {}, { owner: 'bob' })).rejects.toMatchObject({ code: 'compose-not-found', message: `No compose with id ${id} found` });
    }
  });
});

