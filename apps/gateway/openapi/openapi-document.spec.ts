import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { startTestGateway } from '../__fixtures__/test-gateway.js';
import { openApiDocument } from './openapi-document.js';
import { operations } from './operations.js';

describe('the OpenAPI document', () => {
  it('that is committed is current (node dist/apps/gateway/openapi/write-openapi.js makes it so)', () => {
    expect(JSON.parse(readFileSync('docs/reference/openapi.json', 'utf8'))).toEqual(openApiDocument());
  });

  it('has schemas that compile, and no reference to nowhere', () => {
    const document = JSON.parse(JSON.stringify(openApiDocument())) as { components: { schemas: Record<string, object> } };
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'openapi', ...document });
    for (const name of Object.keys(document.components.schemas)) expect(ajv.getSchema(`openapi#/components/schemas/${name}`)).toBeInstanceOf(Function);
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1]);
    expect(references.length).toBeGreaterThan(20);
    expect(references.filter((name) => !Object.hasOwn(document.components.schemas, name ?? ''))).toEqual([]);
  });

  it('names only operations that exist, and what it says of credentials is so', async () => {
    const gateway = await startTestGateway();
    try {
      for (const { method, path, auth } of operations) {
        const answer = await fetch(`${gateway.url}${path.replace('{id}', 'unknown').replace('{hash}', 'a'.repeat(64))}`, { method: method.toUpperCase(), ...(method === 'get' ? {} : { body: '{"token":"x"}' }) });
        const text = await answer.text();
        const routed = answer.status !== 405 && !text.includes('"code":"not-found"');
        expect({ method, path, routed, refused: answer.status === 401 }).toEqual({ method, path, routed: true, refused: ['basic', 'token', 'signature'].includes(auth) });
      }
    } finally {
      await gateway.close();
    }
  });

  it('is served as it is committed', async () => {
    const gateway = await startTestGateway();
    try {
      expect(await (await fetch(`${gateway.url}/v1/openapi.json`)).json()).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
    } finally {
      await gateway.close();
    }
  });
});
