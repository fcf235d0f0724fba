import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The real tool, in an empty repository of its own below the folder. */
export interface OstreeClient {
  readonly folder: string;
  /** Not synchronous: the gateway that answers is in this process. */
  run(...args: readonly string[]): Promise<string>;
  /** Pulls a ref, checks everything, and answers where its tree is. */
  pulled(ref: string): Promise<string>;
}

export async function ostreeClient(below: string, url: string, headers: Readonly<Record<string, string>> = {}): Promise<OstreeClient> {
  const folder = mkdtempSync(path.join(below, 'client-'));
  const repo = path.join(folder, 'repo');
  const ostree = async (...args: readonly string[]): Promise<string> => (await run('ostree', [`--repo=${repo}`, ...args])).stdout.trim();
  const shown = Object.entries(headers).map(([name, value]) => `--http-header=${name}=${value}`);
  await ostree('init', '--mode=bare-user');
  await ostree('remote', 'add', '--no-gpg-verify', 'cache', url);
  return {
    folder,
    run: ostree,
    async pulled(ref) {
      const tree = path.join(folder, ref.replaceAll('/', '-'));
      await ostree('pull', ...shown, 'cache', ref);
      await ostree('fsck');
      await ostree('checkout', '-U', `cache:${ref}`, tree);
      return tree;
    },
  };
}
