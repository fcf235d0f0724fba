import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { joinClientService, sharedServiceVariable, startClientService } from './client-service.js';
import type { ClientService } from './client-service.js';
import { onPath } from '../on-path.js';

export interface ClientScene {
  readonly service: () => ClientService;
  /** A new empty directory. */
  readonly directory: () => string;
}

/**
 * Specs of one real client. A client that is not on this machine fails them, with what to do; only one that
 * MILLRACE_TEST_WITHOUT (comma list) names is left out, which is then to be read in the results.
 */
export function describeClient(client: string, body: (scene: ClientScene) => void): void {
  const without = (process.env['MILLRACE_TEST_WITHOUT'] ?? '').split(',');
  describe(`${client} through the proxy`, () => {
    if (without.includes(client)) {
      it(`is left out, as MILLRACE_TEST_WITHOUT says`, () => expect(without).toContain(client));
      return;
    }
    let root = '';
    beforeAll(() => {
      if (!onPath(client)) throw new Error(`${client} is not on PATH: install it, or run the tests with MILLRACE_TEST_WITHOUT=${client}`);
      root = mkdtempSync(path.join(os.tmpdir(), `millrace-${client}-`));
    });
    afterAll(() => {
      if (root !== '') rmSync(root, { recursive: true, force: true });
    });
    const service = useClientService();
    body({ service, directory: () => mkdtempSync(path.join(root, 'build-')) });
  });
}

/** The one of the whole suite, or one for this file. */
function useClientService(): () => ClientService {
  let service: ClientService | undefined;
  beforeAll(async () => {
    const shared = process.env[sharedServiceVariable];
    service = shared === undefined ? await startClientService() : joinClientService(shared);
  }, 120_000);
  afterAll(async () => {
    await service?.stop();
  }, 60_000);
  return () => {
    if (service === undefined) throw new Error('the service did not start');
    return service;
  };
}
