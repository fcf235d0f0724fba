import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { authorization, startTestGateway } from '../__fixtures__/test-gateway.js';
import type { TestGateway } from '../__fixtures__/test-gateway.js';
import { operations } from '../openapi/operations.js';
import { mayChange } from './own-pages-only.js';

const own = { host: 'composes.corp.test', composeUrl: 'https://packages.test/composes', composeBucket: undefined };

describe('a change', () => {
  it.each([
    ['of a program', { host: 'anything.test:9999' }],
    ['of a page of this service at localhost', { host: 'localhost:9999', origin: 'http://localhost:9999', 'sec-fetch-site': 'same-origin' }],
    ['of a page of this service at an address', { host: '10.0.0.5:9999', origin: 'http://10.0.0.5:9999' }],
    ['of a page of this service at an IPv6 address', { host: '[::1]:9999', origin: 'http://[::1]:9999', 'sec-fetch-site': 'same-origin' }],
    ['of a page of this service under its own name', { host: 'composes.corp.test:9999', origin: 'http://composes.corp.test:9999' }],
    ['of a page behind the public URL', { host: 'backend:9999', origin: 'https://packages.test', 'sec-fetch-site': 'same-origin' }],
    ['that a user types', { host: 'localhost:9999', 'sec-fetch-site': 'none' }],
  ])('%s is taken', (_name, headers) => {
    expect(mayChange(headers, own)).toBe(true);
  });

  it.each([
    ['of another site', { host: 'localhost:9999', origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }],
    ['of another port of this machine', { host: 'localhost:9999', origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' }],
    ['of an old browser on another site', { host: 'localhost:9999', origin: 'http://evil.test' }],
    ['of a page without an origin', { host: 'localhost:9999', origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['of a sandboxed page of an old browser', { host: 'localhost:9999', origin: 'null' }],
    ['of a name that was rebound to this machine', { host: 'evil.test:9999', origin: 'http://evil.test:9999', 'sec-fetch-site': 'same-origin' }],
    ['of a rebound name that sends no origin', { host: 'evil.test:9999', 'sec-fetch-site': 'same-origin' }],
    ['of a rebound name that claims a proxy', { host: 'evil.test:9999', origin: 'http://evil.test:9999', 'x-forwarded-host': 'evil.test:9999' }],
    ['whose origin is no URL', { host: 'localhost:9999', origin: '%%' }],
    ['with an origin and without a host', { origin: 'http://localhost:9999' }],
  ])('%s is refused', (_name, headers) => {
    expect(mayChange(headers, own)).toBe(false);
  });
});

it('of a page from the bucket that composes are published to is refused', () => {
  const headers = { host: 'backend:9999', origin: 'https://packages.test', 'sec-fetch-site': 'same-origin' };
  expect(mayChange(headers, { ...own, composeBucket: 's3://composes' })).toBe(false);
});

describe('the gateway', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway.close());

  const changes = operations.filter(({ method }) => method !== 'get').map(({ method, path }) => [method.toUpperCase(), path.replace(/\{[^}]+\}/, '1')] as const);

  it.each(changes)('refuses %s %s for a page of another site, with the credentials that a browser remembers', async (method, path) => {
    const request = httpRequest(`${gateway.url}${path}`, { method, headers: { authorization, origin: 'https://evil.test', 'sec-fetch-site': 'cross-site', 'content-type': 'text/plain' } });
    request.end(method === 'DELETE' ? undefined : '{"source":{"type":"repo","source":"http://r.test/"}}');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    expect([response.statusCode, gateway.composes.held.size, gateway.record.opened]).toEqual([403, 0, 0]);
  });
});
