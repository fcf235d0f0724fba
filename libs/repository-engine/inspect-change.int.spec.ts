import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { parseRepositorySettings } from '../repository/repository-settings.js';
import type { RepositorySettings } from '../repository/repository.js';
import { by, engineScene, options, stream } from './__fixtures__/engine-scene.js';
import { keyOf, lineFormat, linePackage } from './__fixtures__/line-format.js';
import { inspectionMilliseconds } from './package-inspection.js';
import type { PackageFormat } from '../repository-formats/package-format.js';
import type { RepositoryChange } from '../repository/repository-change.js';

const scene = engineScene();

/** Packages lie in the folder of their component. */
const inComponents: PackageFormat = { ...lineFormat, kind: 'deb', pathOf: ({ key }, component) => `packages/${component}/${key}` };
const debEngine = () => scene.engine(undefined, { formats: { haiku: lineFormat, rpm: lineFormat, deb: inComponents } });

async function debRepository(): Promise<string> {
  const name = `deb-${randomUUID()}`;
  await scene.commands().create({ name, kind: 'deb', place: { store: 'default', folder: name }, settings: debSettings() }, by);
  return name;
}

const debSettings = (): RepositorySettings => parseRepositorySettings('deb', { deb: { architectures: ['amd64'], components: ['main', 'contrib'] } });
const publishing = (name: string, uploads: readonly string[], component?: string): Promise<RepositoryChange> =>
  scene.request(name, { kind: 'publish', uploads, contents: [], origin: {}, ...(component === undefined ? {} : { component }) });

describe('inspecting what a change publishes', () => {
  it('is for the component that it is published into, whatever it was tried or refused for before', async () => {
    const name = await debRepository();
    const tried = await scene.upload(name, { name: 'a', version: '1' }, debEngine());
    const trial: RepositoryChange = { id: randomUUID(), repository: name, request: { kind: 'publish', uploads: [tried], contents: [], origin: {} }, by, force: false, phase: 'waiting', outcome: null, problem: null, requestedAt: '', endedAt: null };
    await debEngine().inspect(trial, options);
    const other = { ...trial, request: { ...trial.request, component: 'contrib' } as RepositoryChange['request'] };
    await debEngine().inspect(other, options);
    expect(await scene.commands().preview(other)).toMatchObject({ added: [{ component: 'contrib', path: `packages/contrib/${keyOf('a', '1')}` }], problem: undefined });
    await debEngine().inspect(trial, options);
    expect(await publishing(name, [tried], 'contrib')).toMatchObject({ phase: 'waiting' });
    await scene.carryOut(name, debEngine());
    expect(await scene.reads().packages(name, { limit: 10 })).toMatchObject([{ component: 'contrib', path: `packages/contrib/${keyOf('a', '1')}` }]);
  });

  it('is done again when the settings have changed since: the repository may take other packages now', async () => {
    const name = await scene.repository();
    const upload = await scene.upload(name, { name: 'a', version: '1' });
    const { id } = await publishing(name, [upload]);
    await scene.engine().inspect(await scene.reads().change(id), options);
    expect(await scene.reads().change(id)).toMatchObject({ phase: 'inspected' });
    await scene.commands().configure(name, parseRepositorySettings('rpm', { rpm: { packageKeys: ['0123456789ABCDEF'] } }), by);
    expect(await scene.reads().change(id)).toMatchObject({ phase: 'waiting' });
  });

  it('tells nothing of what was uploaded to another repository', async () => {
    const [name, other] = [await scene.repository(), await scene.repository()];
    const upload = await scene.upload(other, { name: 'secret', version: '1' });
    const trial: RepositoryChange = { id: randomUUID(), repository: name, request: { kind: 'publish', uploads: [upload], contents: [], origin: {} }, by, force: false, phase: 'waiting', outcome: null, problem: null, requestedAt: '', endedAt: null };
    await expect(scene.engine().inspect(trial, options)).rejects.toMatchObject({ code: 'upload-not-found', message: expect.not.stringContaining('secret'), details: undefined });
  });

  it('refuses a package that brings a mistake of a reader to light, so that the others of the repository are published', async () => {
    const deep = (): number => 1 + deep();
    const mistaken: PackageFormat = { ...lineFormat, inspect: async (bytes, given) => ({ ...(await lineFormat.inspect(bytes, given)), name: String(deep()) }) };
    const engine = scene.engine(undefined, { formats: { haiku: lineFormat, rpm: mistaken, deb: lineFormat } });
    const name = await scene.repository();
    const id = randomUUID();
    await engine.receive(name, stream(linePackage('bad', '1')), { id, fileName: 'bad.rpm', by });
    await expect(engine.inspect(await publishing(name, [id]), options)).rejects.toMatchObject({ code: 'package-invalid', message: expect.stringContaining('bad.rpm: Maximum call stack size exceeded') });
  });
});

describe('the time that inspecting may take', () => {
  it('grows with the package: its payload is read to its end, and stores may be slow', () => {
    expect([0, 4 * 1024 ** 3].map((size) => Math.round(inspectionMilliseconds(size) / 60_000))).toEqual([1, 138]);
  });
});
