import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { InspectionContext } from '../../inspection/inspector.js';
import type { ResponseInspectionResult } from '../../inspection/response-inspection.js';
import { createContext, createRequest, inspect } from '../__fixtures__/exchange.js';
import { commit, entry, fetchAnswer, fetchRequest, flush, object, pack, packetLine, tree } from '../git/__fixtures__/build-pack.js';
import { recordedClients, replay } from '../git/__fixtures__/recorded-clients.js';
import { readCraftFile } from './craft-file.js';

const repository = 'https://git.example/mill.git';

interface Project {
  /** Files of the root folder. */
  readonly files: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  readonly depth?: number;
  readonly context?: InspectionContext;
}

/** Lists the refs of a repository with one commit, and fetches it. */
async function fetchProject({ files, tags = [], depth = 1, context = createContext() }: Project): Promise<ResponseInspectionResult> {
  const blobs = Object.entries(files).map(([name, content]) => ({ name, blob: object('blob', content) }));
  const root = tree(blobs.map(({ name, blob }) => ['100644', name, blob.id]));
  const tip = commit(root.id);
  const refs = ['HEAD', ...tags.map((tag) => `refs/tags/${tag}`)].map((name) => packetLine(`${tip.id} ${name}\n`));
  const post = createRequest(`${repository}/git-upload-pack`, {}, 'POST');
  await inspect({ ...post, body: Buffer.concat([packetLine('command=ls-refs\n'), flush]) }, { bytes: Buffer.concat([...refs, flush]) }, context);
  const answer = fetchAnswer(pack([tip, root, ...blobs.map(({ blob }) => blob)].map(entry)));
  return inspect({ ...post, body: fetchRequest([tip.id], [`deepen ${depth}`]) }, { bytes: answer }, context);
}

const rock = 'name: mill-rock\nversion: 1.10\nbase: ubuntu@24.04\nsummary: A mill in a rock\nlicense: Apache-2.0\nplatforms:\n  amd64:\n  arm64:\n';

describe('crafts in git repositories', () => {
  it.each<[string, Readonly<Record<string, string>>, object]>([
    ['snapcraft', { 'snapcraft.yaml': 'name: mill\nadopt-info: mill\nlicense: MIT\narchitectures: [amd64, {build-on: [arm64]}]\n' }, { name: 'mill', version: expect.stringMatching(/^[0-9a-f]{40}$/), license: 'MIT', architecture: 'amd64 arm64' }],
    ['rockcraft', { 'rockcraft.yaml': rock }, { name: 'mill-rock', version: '1.10', license: 'Apache-2.0', architecture: 'amd64 arm64', description: 'A mill in a rock' }],
    ['charmcraft', { 'charmcraft.yaml': 'name: mill-operator\ntype: charm\nsummary: Runs mills\ncontact: mill@x.test\n' }, { name: 'mill-operator', author: 'mill@x.test' }],
    ['charmcraft', { 'charmcraft.yaml': 'type: charm\n', 'metadata.yaml': 'name: old-operator\n' }, { name: 'old-operator' }],
    ['sourcecraft', { 'sourcecraft.yaml': 'name: mill-source\nversion: 1.0\n' }, { name: 'mill-source', version: '1.0' }],
    ['bincraft', { 'bincraft.yaml': 'name: mill-binary\nversion: "2"\n' }, { name: 'mill-binary', version: '2' }],
  ])('are told of by %s', async (id, files, metadata) => {
    const result = await fetchProject({ files });
    expect(result.verdict).toBe('Approved');
    expect(result.inspections[id]).toMatchObject({ opinion: 'Approved', reason: `valid ${id} project` });
    expect(result.metadata).toMatchObject({ ...metadata, type: `application/x.canonical.${id}` });
    expect(Object.keys(result.inspections).sort()).toEqual(['git.upload-pack', 'go.module.git', id].sort());
  });

  it('reads a project in a folder that real git fetched', async () => {
    const result = (await replay(recordedClients['shallow clone, protocol 2'] ?? [], createContext())).at(-1);
    expect(result?.metadata).toMatchObject({ type: 'application/x.canonical.snapcraft', name: 'mill', version: '1.2', license: 'MIT', description: 'A mill' });
    expect(result?.inspections['snapcraft']?.annotations).toMatchObject({ file: 'snap/snapcraft.yaml', refs: ['HEAD', 'refs/heads/main'] });
  });

  it('asks for depth 1 where crafts.urls is configured, and has no say on other URLs', async () => {
    const configured = (glob: string): InspectionContext => ({ ...createContext(), configuration: { crafts: { urls: [glob] } } });
    const files = { 'rockcraft.yaml': rock };
    const deep = await fetchProject({ files, depth: 5, context: configured('https://git.example:443/**') });
    expect(deep.inspections['rockcraft']).toMatchObject({ opinion: 'Unknown', reason: 'a rockcraft project is only approved from a fetch with depth 1' });
    expect((await fetchProject({ files, context: configured('https://git.example:443/**') })).inspections['rockcraft']?.opinion).toBe('Approved');
    expect((await fetchProject({ files, context: configured('https://git.example:443/*') })).inspections['rockcraft']).toBeUndefined();
  });

  it.each([
    ['no YAML', '{ name: [', 'not valid YAML'],
    ['not UTF-8', Buffer.from([0x6e, 0xff]).toString('latin1'), 'not a YAML mapping'],
    ['a list', '- a\n', 'not a YAML mapping'],
    ['no name', 'version: 1\n', 'names no project'],
    ['a name that leads outside', 'name: ../x\n', 'names no project'],
    ['a nest of brackets', '['.repeat(100_000), 'not valid YAML'],
    ['a bomb of aliases', `a: &a [x]\n${Array.from({ length: 30 }, (_, n) => `b${n}: &b${n} [${`*${n === 0 ? 'a' : `b${n - 1}`}, `.repeat(9)}x]`).join('\n')}\n`, 'not valid YAML'],
    ['too much', `name: x\n${'#'.repeat(300_000)}`, 'larger than'],
  ])('are refused with a file that is %s', async (_case, content, reason) => {
    const { inspections, verdict } = await fetchProject({ files: { 'rockcraft.yaml': content } });
    expect(verdict).toBe('Rejected');
    expect(inspections['rockcraft']).toMatchObject({ opinion: 'Rejected', reason: expect.stringContaining(reason) });
  });

  it('read every file or refuse it', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'name: x\n-[]{}&*!|>\'"#%@`?,\t0') , maxLength: 200 }), (text) => {
        try {
          readCraftFile('rockcraft.yaml', Buffer.from(text));
        } catch (error) {
          expect(error).toMatchObject({ name: 'MillraceError' });
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('go.module.git', () => {
  const goMod = 'module git.example/mill\n\ngo 1.22\n';
  const opinionOn = async (project: Project) => {
    const { inspections } = await fetchProject(project);
    return `${inspections['go.module.git']?.opinion}: ${inspections['go.module.git']?.reason}`;
  };

  it('approves a module of a version that a tag names', async () => {
    const result = await fetchProject({ files: { 'go.mod': goMod }, tags: ['release', 'v1.2.3'] });
    expect(result.inspections['go.module.git']).toMatchObject({ opinion: 'Approved' });
    expect(result.metadata).toMatchObject({ type: 'application/x.go.module.git-repo', name: 'git.example/mill', version: 'v1.2.3', purl: 'pkg:golang/git.example/mill@v1.2.3' });
  });

  it('knows real tags that are annotated', async () => {
    const result = (await replay(recordedClients['one tag'] ?? [], createContext())).at(-1);
    expect(result?.metadata).toMatchObject({ type: 'application/x.go.module.git-repo', name: 'example.test/mill', version: 'v1.0.0' });
  });

  it('says Unknown of what is no module, has no tag or another major version, and refuses a damaged go.mod', async () => {
    expect(await opinionOn({ files: { README: '' } })).toBe('Unknown: git repository does not contain a go.mod file');
    expect(await opinionOn({ files: { 'go.mod': goMod } })).toMatch(/^Unknown: no version tag/);
    expect(await opinionOn({ files: { 'go.mod': goMod }, tags: ['v2.0.0'] })).toMatch(/^Unknown: the tag v2\.0\.0 is not one of the major version/);
    expect(await opinionOn({ files: { 'go.mod': 'module git.example/mill/v2\n' }, tags: ['v2.0.0'] })).toMatch(/^Approved/);
    expect(await opinionOn({ files: { 'go.mod': 'module ../..\n' }, tags: ['v1.0.0'] })).toMatch(/^Unknown: the go\.mod declares/);
    expect(await opinionOn({ files: { 'go.mod': 'go 1.22\n' }, tags: ['v1.0.0'] })).toMatch(/^Rejected: the go\.mod has no module directive/);
  });
});

describe('go.module.import', () => {
  const page = (content: string): string => `<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="go-import" content="${content}"></head><body>A mill</body></html>`;
  const opinionOn = async (html: string, path = '/mill/wheel') => {
    const { inspections } = await inspect(createRequest(`https://mods.example${path}?go-get=1`), { bytes: Buffer.from(html) }, createContext());
    return inspections['go.module.import'];
  };

  it('approves a page that names the repository of what was asked for', async () => {
    expect(await opinionOn(page('mods.example/mill git https://git.example/mill'))).toMatchObject({
      opinion: 'Approved',
      annotations: { prefix: 'mods.example/mill', vcs: 'git', url: 'https://git.example/mill' },
    });
  });

  it.each([
    ['of another module', page('mods.example/other git https://git.example/other')],
    ['of a name that only begins like it', page('mods.example/mil git https://git.example/mill')],
    ['in the body', '<html><head></head><body><meta name="go-import" content="mods.example/mill git https://git.example/mill"></body></html>'],
    ['with too few parts', page('mods.example/mill git')],
    ['of an unknown system', page('mods.example/mill cvs https://git.example/mill')],
    ['without a URL', page('mods.example/mill git x')],
    ['that nests without an end', '<div>'.repeat(200_000)],
    ['that is empty', ''],
  ])('rejects a page %s', async (_case, html) => {
    expect(await opinionOn(html)).toMatchObject({ opinion: 'Rejected', reason: expect.not.stringContaining('the inspection failed') });
  });
});
