import { blobView, cacheDetail, cacheList, entriesQuery, entryHistory, entryName, entryPage, entryView, evictRequest, evictionReport, newEntry, verificationReport } from '../caches/cache-schemas.js';
import { json, problemAnswer, queryParameters, text, withProblems } from './answers.js';
import type { Answer, Operation, Parameter } from './operation.js';

const root = '/v1/caches';
const instance: Parameter = { name: 'instance', in: 'path', required: true, description: 'A slash in it is written %2F.', schema: { type: 'string' } };
const digest: Parameter = { name: 'digest', in: 'path', required: true, description: '`sha256:<hash>` or `blake3:<hash>`, perhaps with `%2F<size>`.', schema: { type: 'string' } };
const range: Parameter = { name: 'Range', in: 'header', description: 'One range of bytes; several are answered with all of them.', schema: { type: 'string' } };
const named = queryParameters(entryName).map((each) => (each.name === 'qualifiers' ? { name: 'qualifiers', in: 'query' as const, description: 'Of assets: a JSON object of texts, which belong to the name.', schema: { type: 'string' } } : { ...each, required: true }));
const longHead = { 431: { description: 'Key and qualifiers make the head of the request longer than 16 KiB.' } };
const bytes: Answer = { description: 'The content.', content: { 'application/octet-stream': 'binary' } };
const full = { 507: problemAnswer('The cache, or its store, is full.') };
const content = { 200: bytes, 206: { ...bytes, description: 'A part of it.' }, 304: { description: 'What the client has is what there is.' } };

const administration: readonly Operation[] = [
  { method: 'get', path: root, operationId: 'listCaches', tag: 'caches', summary: 'Instances of the artifact cache, and how full they are', auth: 'basic', answers: withProblems({ 200: json('All of them.', cacheList) }, 401) },
  { method: 'get', path: `${root}/{instance}`, operationId: 'getCache', tag: 'caches', summary: 'An instance, and what its workflow does', auth: 'basic', parameters: [instance], answers: withProblems({ 200: json('The instance.', cacheDetail) }, 400, 401) },
  { method: 'get', path: `${root}/{instance}/entries`, operationId: 'listCacheEntries', tag: 'caches', summary: 'Entries, the latest used first', auth: 'basic', parameters: [instance, ...queryParameters(entriesQuery)], answers: withProblems({ ...longHead, 200: json('One page.', entryPage) }, 400, 401) },
  { method: 'get', path: `${root}/{instance}/entry`, operationId: 'getCacheEntry', tag: 'caches', summary: 'An entry that is complete', auth: 'basic', parameters: [instance, ...named], answers: withProblems({ ...longHead, 200: json('The entry.', entryView) }, 400, 401, 404) },
  { method: 'put', path: `${root}/{instance}/entry`, operationId: 'putCacheEntry', tag: 'caches', summary: 'Let a key lead to a blob that is there', auth: 'basic', parameters: [instance, ...named], body: newEntry, answers: withProblems({ ...longHead, 200: json('The entry.', entryView), ...full }, 400, 401, 404, 413) },
  { method: 'delete', path: `${root}/{instance}/entry`, operationId: 'removeCacheEntry', tag: 'caches', summary: 'Remove an entry; its blobs go when nothing needs them', auth: 'basic', parameters: [instance, ...named], answers: withProblems({ ...longHead, 204: { description: 'It is removed.' } }, 400, 401, 404) },
  { method: 'get', path: `${root}/{instance}/why`, operationId: 'getCacheEntryHistory', tag: 'caches', summary: 'Who pushed an entry when, out of which session and build, and what became of it', auth: 'basic', parameters: [instance, ...named], answers: withProblems({ ...longHead, 200: json('All that was recorded of it.', entryHistory) }, 400, 401, 404) },
  { method: 'post', path: `${root}/{instance}/evict`, operationId: 'evictCache', tag: 'caches', summary: 'Evict what was not used for longest', auth: 'basic', parameters: [instance], body: evictRequest, bodyOptional: true, answers: withProblems({ 200: json('What was evicted, or would be.', evictionReport) }, 400, 401, 413) },
  { method: 'post', path: `${root}/{instance}/verify`, operationId: 'verifyCache', tag: 'caches', summary: 'Read all blobs and compare', auth: 'basic', parameters: [instance], answers: withProblems({ 200: json('How many were read and lost.', verificationReport) }, 400, 401) },
  { method: 'post', path: `${root}/{instance}/pause`, operationId: 'pauseCacheEviction', tag: 'caches', summary: 'Let eviction rest', auth: 'basic', parameters: [instance], answers: withProblems({ 204: { description: 'It rests.' } }, 400, 401) },
  { method: 'post', path: `${root}/{instance}/resume`, operationId: 'resumeCacheEviction', tag: 'caches', summary: 'Let eviction go on', auth: 'basic', parameters: [instance], answers: withProblems({ 204: { description: 'It goes on.' } }, 400, 401) },
  { method: 'get', path: `${root}/{instance}/blobs/{digest}`, operationId: 'getCacheBlob', tag: 'caches', summary: 'A blob by its digest', auth: 'basic', parameters: [instance, digest, range], answers: withProblems({ ...content, 416: text('There are no such bytes.') }, 400, 401, 404) },
  { method: 'put', path: `${root}/{instance}/blobs/{digest}`, operationId: 'putCacheBlob', tag: 'caches', summary: 'Push a blob', auth: 'basic', parameters: [instance, digest], binaryBody: ['application/octet-stream'], answers: withProblems({ 201: json('It is there.', blobView), 408: problemAnswer('The body comes too slowly.'), 422: problemAnswer('What arrived is not what its name says.'), ...full }, 400, 401, 413) },
];

const miss = text('It is not in the cache.');
const reading: Operation['answers'] = { ...content, 400: text('The path names nothing that a cache may have.'), 404: miss, 416: text('There are no such bytes.'), 503: text('The record or the store cannot be reached now.') };
const writing: Operation['answers'] = { 201: { description: 'It is in the cache.' }, 400: reading[400]!, 408: text('The body comes too slowly.'), 413: text('It is larger than a blob of this instance may be.'), 422: text('What arrived is not what its path says.'), 503: reading[503]!, 507: text('The cache, or its store, is full.') };
const hash: Parameter = { name: 'hash', in: 'path', required: true, schema: { type: 'string', pattern: '^[0-9a-f]{64}$' } };
const pathParameter: Parameter = { name: 'path', in: 'path', required: true, description: 'May have slashes.', schema: { type: 'string' } };
const team: readonly Parameter[] = ['teamId', 'slug'].map((name) => ({ name, in: 'query', schema: { type: 'string' } }));

interface Served {
  readonly path: string;
  readonly id: string;
  readonly what: string;
  readonly parameters: readonly Parameter[];
  readonly removable?: true;
}

const served: readonly Served[] = [
  { path: '/cas/{hash}', id: 'CasBlob', what: 'a blob, as clients of Bazel’s HTTP cache do', parameters: [hash] },
  { path: '/ac/{hash}', id: 'ActionEntry', what: 'the result of an action, as clients of Bazel’s HTTP cache do', parameters: [hash], removable: true },
  { path: '/gradle/{key}', id: 'GradleEntry', what: 'an artifact of Gradle’s build cache', parameters: [{ name: 'key', in: 'path', required: true, schema: { type: 'string' } }] },
  { path: '/v8/artifacts/{hash}', id: 'TurborepoArtifact', what: 'an artifact of Turborepo', parameters: [{ ...hash, schema: { type: 'string' } }, ...team] },
  { path: '/ccache/{path}', id: 'CcacheEntry', what: 'an object of ccache', parameters: [pathParameter], removable: true },
  { path: '/sccache/{path}', id: 'SccacheEntry', what: 'an object of sccache, by WebDAV', parameters: [pathParameter], removable: true },
  { path: '/cache/{path}', id: 'CacheContent', what: 'any of these of another instance: `/cache/<instance>/cas/…`', parameters: [pathParameter], removable: true },
];

/** Whether nobody need say who they are is for the settings of the instance. */
function operationsOf({ path, id, what, parameters, removable }: Served): readonly Operation[] {
  const [auth, stored] = [path.startsWith('/cache/') ? ('setting' as const) : ('basic' as const), path.startsWith('/v8/') ? { ...writing, 202: { description: 'It is in the cache.', content: { 'application/json': 'text' as const } } } : writing];
  return [
    { method: 'get', path, operationId: `get${id}`, tag: 'caches', summary: `Pull ${what}`, auth: 'setting', parameters: [...parameters, range], answers: reading },
    { method: 'put', path, operationId: `put${id}`, tag: 'caches', summary: `Push ${what}`, auth, parameters, binaryBody: ['application/octet-stream'], answers: stored },
    ...(removable === true ? [{ method: 'delete' as const, path, operationId: `remove${id}`, tag: 'caches' as const, summary: `Remove ${what}`, auth, parameters, answers: { 204: { description: 'It is removed.' }, 400: reading[400]!, 404: miss, 503: reading[503]! } }] : []),
  ];
}

const turborepo: readonly Operation[] = [
  { method: 'get', path: '/v8/artifacts/status', operationId: 'getTurborepoStatus', tag: 'caches', summary: 'Whether there is a cache for a client of Turborepo', auth: 'setting', parameters: team, answers: { 200: { description: 'There is.', content: { 'application/json': 'text' } } } },
  { method: 'post', path: '/v8/artifacts', operationId: 'queryTurborepoArtifacts', tag: 'caches', summary: 'Which of many artifacts of Turborepo there are', auth: 'setting', parameters: team, binaryBody: ['application/json'], answers: { 200: { description: 'By hash; null: there is none.', content: { 'application/json': 'text' } }, 400: text('The body is not {"hashes": […]}.') } },
  { method: 'post', path: '/v8/artifacts/events', operationId: 'tellTurborepoEvents', tag: 'caches', summary: 'Take note of hits and misses of Turborepo', auth: 'setting', parameters: team, binaryBody: ['application/json'], answers: { 200: { description: 'Noted.', content: { 'application/json': 'text' } }, 400: text('The body is no list of events.') } },
];

const ostree: readonly Operation[] = [
  { method: 'get', path: '/ostree/{path}', operationId: 'getOstreeFile', tag: 'caches', summary: 'A file of an instance as an OSTree repository: `/ostree/<instance>/summary`, `…/refs/heads/<ref>`, `…/objects/…`', auth: 'setting', parameters: [pathParameter, range], answers: { ...content, 404: text('There is no such repository, or it has no such file.'), 416: text('There are no such bytes.'), 503: reading[503]! } },
];

export const cacheOperations: readonly Operation[] = [...administration, ...ostree, ...turborepo, ...served.flatMap(operationsOf)];
