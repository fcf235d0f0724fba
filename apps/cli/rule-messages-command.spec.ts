import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { errorTable } from '../../libs/errors/error-table.js';
import { millrace } from './__fixtures__/recorded-terminal.js';
import { RecordingServer, type SeenRequest } from './__fixtures__/recording-server.js';

const parked = { id: 7, bus: 'fedora', topic: 'org.example.koji.tag', position: null, rule: null, reason: 'the document is not valid JSON', excerpt: '{\u001b[31m"name"', parkedAt: '2026-03-20T10:00:00.000Z' };
const ofRule = { ...parked, id: 8, position: 41, rule: 'nightly' };

/** `/v1/parked-messages`, as the gateway's contract has it. */
class ParkedService extends RecordingServer {
  items: readonly object[] = [ofRule, parked];

  static start(): Promise<ParkedService> {
    return new ParkedService('spec:secret').listen();
  }

  protected override answer({ line }: SeenRequest, request: IncomingMessage, response: ServerResponse): void {
    const json = (value: object, status = 200) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (!this.isAllowed(request)) return void json({ code: 'unauthorized', detail: '401 Unauthorized' }, 401);
    const found = [ofRule, parked].find(({ id }) => line.includes(`/v1/parked-messages/${id}`));
    if (line.startsWith('GET /v1/parked-messages')) return void json({ items: this.items, nextCursor: line.includes('limit=1') ? '8' : null });
    if (found === undefined) return void json({ code: 'message-not-found', detail: 'no message 9 is parked' }, 404);
    json(found);
  }
}

let service: ParkedService;
beforeEach(async () => {
  service = await ParkedService.start();
});
afterEach(async () => {
  await service[Symbol.asyncDispose]();
});

const cli = (...parameters: readonly string[]) => millrace(service.environment, 'rule', ...parameters);

describe('millrace rule parked', () => {
  it('shows each with its reason, and nothing of a message may move the cursor', async () => {
    const { exitCode, stdout } = await cli('parked');
    expect(exitCode).toBe(0);
    for (const text of ['8', 'nightly', '41', 'org.example.koji.tag', 'the document is not valid JSON', '{\\u{1b}[31m"name"']) expect(stdout).toContain(text);
    expect(stdout).not.toContain('\u001b');
  });

  it('pages, and prints JSON', async () => {
    expect((await cli('parked', '--limit', '1', '--cursor', '9')).stdout).toContain('More: --cursor 8');
    expect(service.lines).toEqual(['GET /v1/parked-messages?limit=1&cursor=9']);
    expect(JSON.parse((await cli('parked', '--json')).stdout)).toEqual({ items: [ofRule, parked], nextCursor: null });
    service.items = [];
    expect((await cli('parked')).stdout).toBe('No message is parked.\n');
  });
});

describe('millrace rule retry and drop', () => {
  it('go through all that are named, and say what became of each', async () => {
    expect((await cli('retry', '7', '8')).stdout).toBe('Message 7 is taken.\nRule nightly looks at message 8 again.\n');
    expect((await cli('drop', '7')).stdout).toBe('Message 7 is dropped.\n');
    expect(JSON.parse((await cli('drop', '8', '--json')).stdout)).toEqual(ofRule);
    expect(service.lines).toEqual(['POST /v1/parked-messages/7/retry', 'POST /v1/parked-messages/8/retry', 'DELETE /v1/parked-messages/7', 'DELETE /v1/parked-messages/8']);
  });

  it('stop at one that is not parked', async () => {
    const { exitCode, stderr } = await cli('drop', '9', '7');
    expect(exitCode).toBe(errorTable['message-not-found'].exit);
    expect(stderr).toContain('no message 9 is parked');
    expect(service.lines).toEqual(['DELETE /v1/parked-messages/9']);
  });

  it.each(['0', 'x', '1.5'])('take no %s', async (id) => {
    expect((await cli('retry', id)).stderr).toContain('It must be the number of a parked message.');
    expect(service.lines).toEqual([]);
  });
});
