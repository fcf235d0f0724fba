import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildPackages, copyPackages } from '../../../libs/compose-engine/__fixtures__/rpm-packages.js';
import { serveFiles } from '../../../libs/repository-source/__fixtures__/file-server.js';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface HeldSource extends AsyncDisposable {
  /** URL of a new repository of the same packages, whose metadata nobody has yet. */
  repository(name: string): string;
  /** From now on metadata of the repository do not arrive: whoever generates stands still. */
  hold(name: string): void;
  release(name: string): void;
  /** Answers this status once for the next file of the repository. */
  refuseOnce(name: string, status: number): void;
  /** How often the packages' list of the repository was asked for. */
  loads(name: string): number;
  /** Resolves when somebody stands still. */
  reached(name: string): Promise<void>;
  /** Of requests that stand still now. */
  waiting(name: string): number;
}

/** Repositories on loopback that answer when the spec lets them. */
export async function startHeldSource(): Promise<HeldSource> {
  const root = mkdtempSync(path.join(tmpdir(), 'millrace-held-source-'));
  const packages = path.join(root, 'packages');
  buildPackages(packages, [{ name: 'spoon', arch: 'noarch' }, { name: 'fork', arch: 'noarch' }]);
  const server = await serveFiles(root);
  const held = new Map<string, { readonly opened: Promise<void>; readonly open: () => void; readonly reached: () => void; readonly whenReached: Promise<void> }>();
  const refusals = new Map<string, number>();
  const standing = new Map<string, number>();
  const nameOf = (request: IncomingMessage): string => (request.url ?? '').split('/')[1] ?? '';
  const isList = (url: string): boolean => /primary\.xml/.test(url);

  server.handle = (request: IncomingMessage, response: ServerResponse) => {
    const name = nameOf(request);
    const refusal = refusals.get(name);
    if (refusal !== undefined) {
      refusals.delete(name);
      return response.writeHead(refusal).end('not now');
    }
    const gate = held.get(name);
    if (gate === undefined || !isList(request.url ?? '')) return false;
    gate.reached();
    standing.set(name, (standing.get(name) ?? 0) + 1);
    request.socket.once('close', () => standing.set(name, (standing.get(name) ?? 1) - 1));
    // Cut, so that whoever still waits asks again.
    void gate.opened.then(() => response.destroy());
    return true;
  };
  let revision = 0;
  return {
    repository(name) {
      const directory = path.join(root, name);
      copyPackages(packages, directory);
      execFileSync('createrepo_c', ['--quiet', '--revision', String((revision += 1)), directory], { stdio: 'ignore' });
      return `${server.url}/${name}`;
    },
    hold(name) {
      const opening = Promise.withResolvers<void>();
      const reaching = Promise.withResolvers<void>();
      held.set(name, { opened: opening.promise, open: opening.resolve, reached: reaching.resolve, whenReached: reaching.promise });
    },
    release(name) {
      const gate = held.get(name);
      held.delete(name);
      gate?.open();
    },
    refuseOnce: (name, status) => void refusals.set(name, status),
    loads: (name) => server.requests.filter((request) => request.startsWith(`/${name}/`) && isList(request)).length,
    reached: async (name) => held.get(name)?.whenReached,
    waiting: (name) => standing.get(name) ?? 0,
    async [Symbol.asyncDispose]() {
      for (const gate of held.values()) gate.open();
      await server[Symbol.asyncDispose]();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
