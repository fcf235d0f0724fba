import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MemoryComposes } from '../__fixtures__/memory-composes.js';
import { authorization, startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';
import { problem } from '../openapi/error-schemas.js';
import { compose, composeDetail, composeEventPage, composePage, composePlan } from './compose-schemas.js';

const plan = JSON.stringify({ version: 1, trees: [{ arch: 'x86_64', packages: [{ sha256: 'a'.repeat(64), size: 7, name: 'bash', epoch: 0, version: '5.2', release: '1', arch: 'x86_64', sourceRpm: 'bash-5.2-1.src.rpm', sigkey: '', fileTime: 1, from: 'http://r.test/bash.rpm' }], debuginfo: [], sources: [] }], sourceDate: 1, results: ['repository'], groups: [], modules: [] });
const digest = createHash('sha256').update(plan).digest('hex');

let folder: string;
let composes: MemoryComposes;
let gateway: TestGateway;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-plans-'));
  writeFileSync(path.join(folder, digest), plan);
  composes = new MemoryComposes();
  const attempts = (id: number): Promise<number> => (id === 1 ? Promise.resolve(2) : Promise.reject(new Error('away')));
  const dependencies = { ...composes.dependencies(), content: { file: (sha256: string) => path.join(folder, sha256) }, workflows: { start: () => Promise.resolve(), changed: () => Promise.resolve(), attempts } };
  gateway = await startTestGateway({ dependencies: { composes: dependencies }, environment: { MILLRACE_TEMPORAL_UI: 'http://temporal.test:8233' } });
  for (let id = 1; id <= 5; id += 1) await fetch(`${gateway.url}/api/1/composes/`, { method: 'POST', body: '{"source":{"type":"repo","source":"http://r.test/"}}' });
  composes.set(1, { state: 'done', plan: digest, queuePosition: null });
  composes.set(2, { state: 'removed', plan: 'b'.repeat(64), queuePosition: null });
  composes.set(3, { state: 'done', plan: digest, reusedId: 1, queuePosition: null });
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

async function get(place: string, headers: Readonly<Record<string, string>> = { authorization }) {
  const answer = await fetch(`${gateway.url}/v1/composes${place}`, { headers });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, json: (text === '' ? undefined : JSON.parse(text)) as unknown };
}

describe('/v1/composes', () => {
  it.each(['', '/1', '/1/events', '/1/packages'])('%s needs the control credentials', async (place) => {
    expect(problem.parse((await get(place, {})).json)).toMatchObject({ status: 401, code: 'unauthorized' });
  });

  it('pages from the newest to the oldest, without a gap when more are asked for meanwhile', async () => {
    const first = composePage.parse((await get('?limit=2')).json);
    const second = composePage.parse((await get(`?limit=2&cursor=${first.nextCursor}`)).json);
    const last = composePage.parse((await get(`?limit=2&cursor=${second.nextCursor}`)).json);
    expect([first, second, last].map(({ items }) => items.map(({ id }) => id))).toEqual([[5, 4], [3, 2], [1]]);
    expect(last.nextCursor).toBeNull();
  });

  it('filters by state, type and owner', async () => {
    const ids = async (query: string): Promise<number[]> => composePage.parse((await get(query)).json).items.map(({ id }) => id);
    expect([await ids('?state=done'), await ids('?source-type=tag'), await ids('?owner=unknown&state=wait')]).toEqual([[3, 1], [], [5, 4]]);
  });

  it.each(['?state=finished', '?source-type=git', '?limit=0', '?cursor=x', '?colour=red', '?owner=%00'])('refuses %s', async (query) => {
    expect(problem.parse((await get(query)).json)).toMatchObject({ status: 400, code: 'invalid-request' });
  });

  it('shows one with its place in the queue, whose files it has, and its attempts where the engine knows them', async () => {
    expect(composeDetail.parse((await get('/1')).json)).toMatchObject({ attempts: 2, plan: digest, links: { files: `${gateway.settings.composeUrl}/odcs-1/`, workflow: 'http://temporal.test:8233/namespaces/default/workflows/compose%3A1' } });
    expect(composeDetail.parse((await get('/3')).json)).toMatchObject({ attempts: null, reusedId: 1, links: { files: `${gateway.settings.composeUrl}/odcs-1/` } });
    expect(compose.parse((await get('/4')).json)).toMatchObject({ queuePosition: 1, submittedAt: expect.stringMatching(/\.\d{3}Z$/) });
    expect(composeDetail.parse((await get('/2')).json).links.files).toBeNull();
  });

  it('shows what happened to it, page by page', async () => {
    const first = composeEventPage.parse((await get('/1/events?limit=1')).json);
    expect(first).toMatchObject({ items: [{ position: 1, type: 'ComposeRequested', data: { composeId: 1 } }], nextCursor: '1' });
    expect(composeEventPage.parse((await get('/1/events?cursor=1')).json)).toMatchObject({ items: [{ position: 2 }], nextCursor: null });
  });

  it('has the plan byte by byte, with its digest as its tag', async () => {
    const answer = await get('/1/packages');
    expect([answer.text, answer.headers.get('etag'), composePlan.parse(answer.json).trees[0]?.packages[0]?.name]).toEqual([plan, `"${digest}"`, 'bash']);
    expect((await get('/3/packages', { authorization, 'if-none-match': `"${digest}"` })).status).toBe(304);
    expect(problem.parse((await get('/4/packages')).json)).toMatchObject({ status: 404, detail: expect.stringContaining('has no plan; it is in state wait') });
    expect(problem.parse((await get('/2/packages')).json)).toMatchObject({ status: 404, detail: expect.stringContaining('not stored any more') });
  });

  it.each(['/99', '/0', '/x', '/1.5', '/99999999999999999', '/99/events', '/x/packages'])('%s is 404', async (place) => {
    expect(problem.parse((await get(place)).json)).toMatchObject({ status: 404, code: 'compose-not-found' });
  });
});
