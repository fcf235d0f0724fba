import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { diffComposes } from './compose-diff.js';

type Packages = Readonly<Record<string, readonly string[]>>;

const rpms = (arches: Packages, category = 'binary') => ({
  header: { type: 'productmd.rpms', version: '1.2' },
  payload: { rpms: { Temporary: Object.fromEntries(Object.entries(arches).map(([arch, nevras]) => [arch, { 'source-0:1-1.src': Object.fromEntries(nevras.map((nevra) => [nevra, { category, path: nevra, sigkey: null }])) }])) } },
});

describe('the difference of two composes', () => {
  it('is told by architecture, by rpm’s own order of versions', () => {
    const before = rpms({ x86_64: ['a-0:1.9-1.x86_64', 'b-0:1-1.noarch', 'c-0:2-1.x86_64'], s390x: ['a-0:1-1.s390x'] });
    const after = rpms({ x86_64: ['a-0:1.10-1.x86_64', 'c-0:2~rc1-1.x86_64', 'd-2:1-1.x86_64'], aarch64: ['a-0:1-1.aarch64'] });
    expect(diffComposes(before, after)).toEqual([
      { arch: 'aarch64', added: [{ name: 'a.aarch64', before: null, after: '1-1' }], removed: [], upgraded: [], downgraded: [] },
      { arch: 's390x', added: [], removed: [{ name: 'a.s390x', before: '1-1', after: null }], upgraded: [], downgraded: [] },
      {
        arch: 'x86_64',
        added: [{ name: 'd.x86_64', before: null, after: '2:1-1' }],
        removed: [{ name: 'b.noarch', before: '1-1', after: null }],
        upgraded: [{ name: 'a.x86_64', before: '1.9-1', after: '1.10-1' }],
        downgraded: [{ name: 'c.x86_64', before: '2-1', after: '2~rc1-1' }],
      },
    ]);
  });

  it('takes the newest of several versions, keeps architectures of one name apart, and looks at no debuginfo or sources', () => {
    const before = rpms({ x86_64: ['a-0:1-1.x86_64', 'a-0:3-1.x86_64', 'a-0:1-1.i686', 'with-many-dashes-0:1-1.x86_64'] });
    const after = rpms({ x86_64: ['a-0:3-1.x86_64', 'a-0:2-1.x86_64', 'a-0:2-1.i686', 'with-many-dashes-0:1-1.x86_64'] });
    expect(diffComposes(before, after)).toMatchObject([{ added: [], removed: [], upgraded: [{ name: 'a.i686', before: '1-1', after: '2-1' }], downgraded: [] }]);
    expect(diffComposes(rpms({}), rpms({ x86_64: ['a-debuginfo-0:1-1.x86_64'] }, 'debug'))).toMatchObject([{ added: [] }]);
  });

  it('is the same the other way round, with its sides exchanged', () => {
    const packages = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd-e'), version: fc.constantFrom('1', '2', '1.10', '1~rc', '1^git') }), { selector: ({ name }) => name });
    const nevras = (list: readonly { name: string; version: string }[]) => rpms({ x86_64: list.map(({ name, version }) => `${name}-0:${version}-1.noarch`) });
    fc.assert(
      fc.property(packages, packages, (one, other) => {
        const [forth] = diffComposes(nevras(one), nevras(other));
        const [back] = diffComposes(nevras(other), nevras(one));
        const turned = (list: readonly { name: string; before: string | null; after: string | null }[] | undefined) => list?.map(({ name, before, after }) => ({ name, before: after, after: before }));
        expect([forth?.added, forth?.upgraded]).toEqual([turned(back?.removed), turned(back?.downgraded)]);
      }),
    );
  });

  it.each([[null], [{}], [{ payload: { rpms: [] } }], [rpms({ x86_64: ['no-version.x86_64'] })]])('of %j cannot be told', (document) => {
    expect(() => diffComposes(document, rpms({}))).toThrow(/rpms\.json/);
  });
});
