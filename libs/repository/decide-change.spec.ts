import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MillraceError } from '../errors/millrace-error.js';
import { decideChange, type PreparedChange } from './decide-change.js';
import { guardDrop } from './guard.js';
import type { OfferedPackage } from './list-change.js';
import { draftList, type ListDraft, type RecordedPackage } from './list-draft.js';
import type { ChangeKind } from './repository-change.js';
import { parseRepositorySettings } from './repository-settings.js';

const settings = parseRepositorySettings('rpm', { guard: { packages: 1000 } });
const context = { settings, compareVersions: (one: string, other: string): number => Number(one) - Number(other), at: '2026-01-01T00:00:00.000Z' };
const keeping = (keepVersions: number) => ({ ...context, settings: { ...settings, keepVersions } });

const offer = (name: string, version: string, sha256 = `${name}${version}`): OfferedPackage => ({ key: `${name}-${version}`, sha256, size: 1, path: `packages/${name}-${version}`, name, version, architecture: 'any', component: '', upload: `upload of ${sha256}` });
const recorded = (name: string, version: string, more: Partial<RecordedPackage> = {}): RecordedPackage => {
  const { upload: _upload, ...rest } = offer(name, version);
  return { ...rest, addedAt: '2025-01-01T00:00:00.000Z', listed: true, object: 'placed', ...more };
};
const draftOf = (...list: RecordedPackage[]): ListDraft => draftList({ packages: list.filter(({ listed }) => listed).length, recorded: list });
const change = (kind: ChangeKind, more: Partial<PreparedChange>): PreparedChange => ({ kind, force: false, offered: [], remove: [], relist: [], ...more });

function keysOf(decision: ReturnType<typeof decideChange>): object {
  if (decision.problem !== undefined) return { problem: decision.problem.code };
  const keys = (list: readonly { key: string }[]): string[] => list.map(({ key }) => key);
  return { added: keys(decision.added), same: decision.same, removed: keys(decision.removed), obsoleted: keys(decision.obsoleted) };
}
const nothing = { added: [], same: [], removed: [], obsoleted: [] };

describe('a change is decided', () => {
  it('by the bytes of what is published', () => {
    const draft = draftOf(recorded('a', '1'), recorded('b', '1', { listed: false, object: 'deleted' }));
    expect(keysOf(decideChange(draft, change('publish', { offered: [offer('a', '1'), offer('b', '1'), offer('c', '1')] }), context))).toEqual({ ...nothing, added: ['b-1', 'c-1'], same: ['a-1'] });
    expect(keysOf(decideChange(draft, change('publish', { offered: [offer('c', '1'), offer('a', '1', 'other')] }), context))).toEqual({ problem: 'package-conflict' });
    expect(keysOf(decideChange(draft, change('publish', { offered: [offer('b', '1', 'other')] }), context))).toEqual({ problem: 'package-conflict' });
    expect(keysOf(decideChange(draft, change('publish', { offered: [offer('c', '1'), offer('c', '1', 'other')] }), context))).toEqual({ problem: 'package-conflict' });
    expect(keysOf(decideChange(draft, change('publish', { offered: [offer('c', '1'), offer('c', '1')] }), context))).toEqual({ ...nothing, added: ['c-1'] });
  });

  it('as its own failure where versions cannot be compared', () => {
    const cannot = { ...keeping(1), compareVersions: () => { throw new MillraceError('source-invalid', '"1..2" is no version'); } };
    const { problem } = decideChange(draftOf(recorded('a', '1')), change('publish', { offered: [offer('a', '2')] }), cannot);
    expect(problem).toMatchObject({ code: 'package-invalid', message: expect.stringContaining('"1..2" is no version') });
  });

  it('with all packages that conflict in its problem', () => {
    const { problem } = decideChange(draftOf(recorded('a', '1'), recorded('b', '1')), change('publish', { offered: [offer('a', '1', 'x'), offer('b', '1', 'y')] }), context);
    expect(problem).toMatchObject({ message: expect.stringContaining('and 1 more packages'), details: [{ key: 'a-1', published: 'a1', offered: 'x' }, { key: 'b-1', published: 'b1', offered: 'y' }] });
  });

  it('so that what was published once stays where and since when it was', () => {
    const draft = draftOf(recorded('a', '1', { listed: false, path: 'old/a' }));
    expect(decideChange(draft, change('publish', { offered: [offer('a', '1')] }), context)).toMatchObject({ added: [{ path: 'old/a', addedAt: '2025-01-01T00:00:00.000Z', upload: 'upload of a1' }] });
  });

  it('by how many versions stay, of which the oldest go', () => {
    const draft = draftOf(recorded('a', '1'), recorded('a', '2'), recorded('a', '3'), recorded('b', '1'));
    const publishing = (...versions: string[]) => change('publish', { offered: versions.map((version) => offer('a', version)) });
    expect(keysOf(decideChange(draft, publishing('4'), keeping(2)))).toMatchObject({ obsoleted: ['a-1', 'a-2'] });
    expect(keysOf(decideChange(draft, publishing('4', '5', '6'), keeping(1)))).toMatchObject({ added: ['a-4', 'a-5', 'a-6'], obsoleted: ['a-1', 'a-2', 'a-3'] });
    expect(keysOf(decideChange(draft, publishing('4'), keeping(9)))).toMatchObject({ obsoleted: [] });
    expect(keysOf(decideChange(draft, publishing('4'), context))).toMatchObject({ obsoleted: [] });
    expect(keysOf(decideChange(draft, publishing('0'), keeping(1)))).toMatchObject({ added: ['a-0'], obsoleted: [] });
    expect(keysOf(decideChange(draft, publishing('3'), keeping(1)))).toMatchObject({ same: ['a-3'], obsoleted: [] });
  });

  it('so that a synchronisation keeps what it brings, and removes the rest once', () => {
    const draft = draftOf(recorded('a', '1'), recorded('a', '2'), recorded('b', '1'));
    const synchronising = change('synchronise', { offered: [offer('a', '3'), offer('b', '1')], remove: ['a-1', 'b-1', 'gone-1'] });
    expect(keysOf(decideChange(draft, synchronising, keeping(1)))).toEqual({ added: ['a-3'], same: ['b-1'], removed: ['a-1'], obsoleted: ['a-2'] });
  });

  it('on what the changes before it leave', () => {
    const draft = draftOf(recorded('a', '1'));
    const first = decideChange(draft, change('publish', { offered: [offer('b', '1')] }), context);
    if (first.problem !== undefined) throw new Error(first.problem.message);
    draft.apply(first);
    const second = decideChange(draft, change('remove', { remove: ['a-1', 'b-1'] }), context);
    expect(keysOf(second)).toEqual({ ...nothing, removed: ['a-1', 'b-1'] });
    if (second.problem !== undefined) throw new Error(second.problem.message);
    draft.apply(second);
    expect([draft.packages(), draft.difference().added, draft.difference().removed.map(({ key }) => key)]).toEqual([0, [], ['a-1']]);
    expect(keysOf(decideChange(draft, change('publish', { offered: [offer('b', '1', 'other')] }), context))).toEqual({ problem: 'package-conflict' });
  });

  it('so that the list is what was there, with what came and without what went, and each key has one content', () => {
    const step = fc.record({ name: fc.constantFrom('a', 'b', 'c'), version: fc.constantFrom('1', '2', '3'), build: fc.constantFrom('', '', 'x'), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 8 }), fc.constantFrom(null, 1, 2), (batches, keepVersions) => {
        const draft = draftOf(recorded('a', '1'), recorded('b', '2', { listed: false }));
        const contents = new Map([['a-1', 'a1'], ['b-2', 'b2']]);
        const list = new Set(['a-1']);
        for (const steps of batches) {
          const prepared = change('synchronise', { force: true, offered: steps.filter(({ remove }) => !remove).map(({ name, version, build }) => offer(name, version, `${name}${version}${build}`)), remove: steps.filter(({ remove }) => remove).map(({ name, version }) => `${name}-${version}`) });
          const decided = decideChange(draft, prepared, { ...context, settings: { ...settings, keepVersions } });
          if (decided.problem !== undefined) {
            expect(prepared.offered.some(({ key, sha256 }, index) => (contents.get(key) ?? prepared.offered.slice(0, index).find((one) => one.key === key)?.sha256 ?? sha256) !== sha256)).toBe(true);
            continue;
          }
          draft.apply(decided);
          for (const { key, sha256 } of decided.added) {
            expect(contents.get(key) ?? sha256).toBe(sha256);
            contents.set(key, sha256);
            list.add(key);
          }
          for (const { key } of [...decided.removed, ...decided.obsoleted]) expect(list.delete(key)).toBe(true);
          for (const { key } of prepared.offered) expect(list.has(key)).toBe(true);
          expect(draft.packages()).toBe(list.size);
        }
        const { added, removed } = draft.difference();
        const changed = new Set(['a-1', ...added.map(({ key }) => key)]);
        for (const { key } of removed) changed.delete(key);
        expect([...changed].sort()).toEqual([...list].sort());
      }),
    );
  });
});

describe('the guard', () => {
  const names = (count: number): string[] => Array.from({ length: count }, (_none, index) => `p${index}`);
  const guard = { packages: 10, share: 0.25 };

  it.each([
    [3, 3, false],
    [10, 10, false],
    [40, 10, false],
    [44, 11, false],
    [43, 11, true],
    [80, 80, true],
    [1000, 250, false],
    [1000, 251, true],
    [100_000, 5000, false],
  ])('of %i packages lets %i go unless %p', (listed, dropped, stops) => {
    expect(guardDrop(guard, { listed, removed: names(dropped) }) !== undefined).toBe(stops);
  });

  it('counts older versions only as far as nothing newer comes', () => {
    expect(guardDrop(guard, { listed: 100, removed: [], obsoleted: names(80), added: 60 })).toBeUndefined();
    expect(guardDrop(guard, { listed: 100, removed: [], obsoleted: names(80), added: 50 })).toMatchObject({ message: expect.stringContaining('30 of 100') });
    expect(guardDrop(guard, { listed: 100, removed: names(30), added: 1000 })).toMatchObject({ code: 'change-guarded' });
  });

  it('names a hundred of what would go', () => {
    expect(guardDrop(guard, { listed: 1000, removed: names(900) })?.details).toHaveLength(101);
  });

  it('can be shut altogether, and opened', () => {
    expect(guardDrop({ packages: 0, share: 0 }, { listed: 5, removed: names(1) })).toMatchObject({ code: 'change-guarded' });
    expect(guardDrop({ packages: 0, share: 1 }, { listed: 5, removed: names(5) })).toBeUndefined();
  });
});
