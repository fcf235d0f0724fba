import { createHash } from 'node:crypto';
import { isRecord, parseBoundedJson } from '../../inspection/bounded-json.js';
import type { InspectedRequest, InspectedResponse, InspectionContext, Inspector, ResponseInspection } from '../../inspection/inspector.js';
import { findDeclarations, rememberDeclaredFiles } from '../declarations/declared-files.js';
import { lastSegment, normalisePath } from '../declarations/declared-url.js';
import { configuredUrls } from './configured-urls.js';
import { findDownloads } from './store-downloads.js';

const answerLimit = 32 * 1024 * 1024;

/** Answers of a craft store's API; see docs/reference/inspectors/chisel.md. */
export const storeApiInspector: Inspector = {
  id: 'store.api',
  inspectRequest: (request, context) => {
    if (request.method !== 'GET' && request.method !== 'POST') return undefined;
    return isOfStore(request, context) && !isDownload(request)
      ? { opinion: 'Pending', reason: 'valid request for a configured store ("store.urls")' }
      : undefined;
  },
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    // A store may have other things below the same URLs, such as assertions, which others judge.
    if (!/^\s{0,64}[{[]/.test(body.head.toString('latin1', 0, 80)) && !isCoded(response))
      return { opinion: 'Unknown', reason: 'the answer is neither a JSON object nor a list' };
    const document = parseBoundedJson(await body.read(answerLimit), { depth: 64 });
    if (!isRecord(document) && !Array.isArray(document)) return { opinion: 'Unknown', reason: 'the answer is neither a JSON object nor a list' };
    const downloads = findDownloads(document);
    for (const { url, digest, size, name, revision, version } of downloads) {
      context.signal?.throwIfAborted();
      const declaration = [digest.algorithm, digest.hex, size === undefined ? '' : String(size), name, revision, version];
      const key = { family: 'store', origin: url.origin, name: url.path };
      await rememberDeclaredFiles(context.knowledge, key, { index: `${request.origin}${request.path}`, files: new Map([[url.path, declaration]]) });
    }
    return {
      opinion: 'Approved',
      reason: `valid answer of the store, ${downloads.length} files`,
      metadata: { type: 'application/x.canonical.store-answer' },
    };
  },
};

/** Files of a craft store; see docs/reference/inspectors/chisel.md. */
export const storeFileInspector: Inspector = {
  id: 'store.file',
  inspectRequest: (request, context) => {
    if (request.method !== 'GET') return undefined;
    return request.path.endsWith('.charm') || (isDownload(request) && isOfStore(request, context))
      ? { opinion: 'Pending', reason: 'valid URL for a file of a store' }
      : undefined;
  },
  inspectResponse: async (request, response, body, context) => {
    if (response.status !== 200) return undefined;
    const path = normalisePath(request.path) + (request.query === '' ? '' : `?${request.query}`);
    const found = await findDeclarations(context.knowledge, { family: 'store', origin: request.origin, name: path }, path);
    const [first] = found;
    if (first === undefined) {
      return { opinion: 'Unknown', reason: 'no answer of the store in this session gives this file a digest: let the client ask the store through the proxy' };
    }
    const [, , , name = '', revision = '', version = ''] = first.declaration;
    const metadata = { type: 'application/x.canonical.store-file', name: name || (lastSegment(request.path) ?? ''), version: version || revision };
    for (const { declaration } of found) {
      const problem = await contradiction(declaration, async (algorithm) => digestOf(body.open(), algorithm, context));
      if (problem !== undefined) return { ...problem, metadata };
    }
    const digest = `${first.declaration[0]}:${first.declaration[1]}`;
    return {
      opinion: 'Approved',
      reason: "valid file, the store's answer declares its digest",
      annotations: { 'declared-by': found.map(({ index }) => index), digest, revision },
      metadata,
    };
  },
};

interface Measured {
  readonly hex: string;
  readonly size: number;
}

async function contradiction(declaration: readonly string[], measure: (algorithm: string) => Promise<Measured>): Promise<ResponseInspection | undefined> {
  const [algorithm = '', hex = '', size = ''] = declaration;
  const actual = await measure(algorithm);
  if (actual.hex !== hex)
    return { opinion: 'Rejected', reason: "the file's digest is not the one that the store declares: it was changed, or the store is broken" };
  if (size !== '' && actual.size !== Number(size)) return { opinion: 'Rejected', reason: `the file has ${actual.size} bytes, but the store declares ${size}` };
  return undefined;
}

/** Content coding undone. */
async function digestOf(content: AsyncIterable<unknown>, algorithm: string, context: InspectionContext): Promise<Measured> {
  const hash = createHash(algorithm);
  let size = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    context.signal?.throwIfAborted();
    hash.update(chunk);
    size += chunk.length;
  }
  return { hex: hash.digest('hex'), size };
}

function isCoded(response: InspectedResponse): boolean {
  return (response.header('content-encoding') ?? '').trim() !== '';
}

function isOfStore(request: InspectedRequest, { configuration }: InspectionContext): boolean {
  return configuredUrls(configuration, 'store')?.(request.url) === true;
}

function isDownload(request: InspectedRequest): boolean {
  return request.path.includes('/download/') || request.path.endsWith('.charm');
}
