import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { ArtefactDownloaded, DownloadFailed, RequestRefused } from '../../session/session-events.js';
import type { OpenSession } from '../session-commands.js';
import { makeSessionId, makeSessionToken, tokenSha256 } from '../../session/session-credentials.js';

/** Synthetic events and commands for the specs of this folder. */
export function openCommand(overrides: Partial<OpenSession> = {}): OpenSession & { readonly token: string } {
  const token = makeSessionToken();
  return { sessionId: makeSessionId(), policy: 'permissive', owner: 'spec', tokenSha256: tokenSha256(token), timeoutSeconds: 3600, retain: false, inspectorsConfiguration: {}, ...overrides, token };
}

export function requestRecord(overrides: Partial<ArtefactDownloaded['data']['request']> = {}): ArtefactDownloaded['data']['request'] {
  return {
    exchangeId: randomUUID(),
    startedAt: '2026-11-21T03:00:00.123Z',
    endedAt: '2026-11-21T03:00:01.456Z',
    method: 'GET',
    url: 'https://origin.example:443/thing-1.0.tgz',
    clientAddress: '127.0.0.1:40000',
    userAgent: 'spec/1',
    requestHeader: { 'User-Agent': ['spec/1'], Accept: ['*/*'] },
    requestBody: null,
    requestInspection: { npm: { opinion: 'Pending', reason: 'valid URL' } },
    ...overrides,
  };
}

export function responseRecord(overrides: Partial<ArtefactDownloaded['data']['response']> = {}): ArtefactDownloaded['data']['response'] {
  return { upstreamAddress: '192.0.2.1:443', status: 200, statusText: 'OK', contentType: 'application/gzip', contentEncoding: '', responseHeader: { 'Content-Type': ['application/gzip'], ETag: ['"x"'] }, ...overrides };
}

export function bodyOf(content: string | Buffer): ArtefactDownloaded['data']['body'] {
  return { sha1: createHash('sha1').update(content).digest('hex'), sha256: createHash('sha256').update(content).digest('hex'), size: Buffer.byteLength(content) };
}

export function downloaded(overrides: Partial<ArtefactDownloaded['data']> = {}): ArtefactDownloaded {
  return {
    type: 'ArtefactDownloaded',
    data: {
      request: requestRecord(),
      response: responseRecord(),
      body: bodyOf(randomBytes(16)),
      responseInspection: { npm: { opinion: 'Approved', reason: 'as the index declares' } },
      metadata: { type: 'application/x.npm.package', name: 'thing', version: '1.0', vendor: '', description: '', author: '', license: 'MIT', purl: 'pkg:npm/thing@1.0' },
      verdict: 'Approved',
      delivered: true,
      kept: true,
      ...overrides,
    },
  };
}

export function refused(overrides: Partial<RequestRefused['data']> = {}): RequestRefused {
  return { type: 'RequestRefused', data: { request: requestRecord({ url: 'http://169.254.169.254/' }), rule: 'destination', reason: 'link-local', status: 403, ...overrides } };
}

export function failed(overrides: Partial<DownloadFailed['data']> = {}): DownloadFailed {
  return { type: 'DownloadFailed', data: { request: requestRecord(), response: null, stage: 'connect', reason: 'ECONNREFUSED', receivedBytes: 0, ...overrides } };
}
