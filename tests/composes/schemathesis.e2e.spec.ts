import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pythonTool } from '../server/python-tool.js';
import { startComposeService } from './compose-service.js';
import type { ComposeService } from './compose-service.js';

const version = '4.32.5';

let folder: string;
let python: string;
let service: ComposeService;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'schemathesis-'));
  python = await pythonTool({ name: `schemathesis-${version}`, requirements: [`schemathesis==${version}`] });
  service = await startComposeService();
  for (let count = 0; count < 3; count += 1) await fetch(`${service.url}/api/1/composes/`, { method: 'POST', body: '{"source":{"type":"repo","source":"/nowhere"}}' });
}, 600_000);
afterAll(async () => {
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('schemathesis', () => {
  it('finds nothing in the API of composes, in their files, nor in /v1', async () => {
    const { code, report } = await judge('^/(api/1|v1|composes)/', 5);
    expect(code === 0 ? '' : report).toBe('');
    expect(report).toMatch(/\b(\d{3,}) generated, \1 passed\b/);
  }, 240_000);

  it('would find an answer that the document does not have', async () => {
    const document = (await (await fetch(`${service.url}/v1/openapi.json`)).json()) as { paths: Record<string, Record<string, { responses: Record<string, unknown> }>> };
    delete document.paths['/api/1/composes/{id}']?.['get']?.responses['404'];
    const file = path.join(folder, 'other.json');
    writeFileSync(file, JSON.stringify(document));
    expect(await judge('^/api/1/composes/\\{id\\}$', 2, file)).toEqual({ code: 1, report: expect.stringContaining('Undocumented status code') });
  }, 60_000);
});

/** Every operation of the real service, with what the document allows and with what it does not. */
async function judge(paths: string, examples: number, document = `${service.url}/v1/openapi.json`): Promise<{ readonly code: number; readonly report: string }> {
  const checks = 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance';
  const args = ['run', document, '--url', service.url, '--include-path-regex', paths, '--checks', checks, '--mode', 'all', '--phases', 'examples,coverage,fuzzing', '--max-examples', String(examples), '--seed', '1', '--workers', '1', '--request-timeout', '20', '--no-color', '--header', `Authorization: ${service.authorization}`];
  try {
    const { stdout } = await promisify(execFile)(python, ['-m', 'schemathesis.cli', ...args], { cwd: folder, maxBuffer: 64 * 1024 * 1024 });
    return { code: 0, report: stdout };
  } catch (error) {
    const { code = 2, stdout = String(error) } = error as { code?: number; stdout?: string };
    return { code, report: stdout };
  }
}
