import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const fake = path.join(import.meta.dirname, '__fixtures__/fake-bst-1.0-push.py');

/** What the client was told, and how it ended. */
export interface Said {
  readonly info?: { readonly mode: number; readonly pull_url: string; readonly refs: Readonly<Record<string, string>> };
  readonly status?: { readonly result: boolean; readonly message: string };
  readonly done?: object;
  readonly stderr: string;
  readonly exit: number;
}

/** A push by the fake of BuildStream 1.0's client over the real ssh. `login`: its command. `leaveOut`: objects whose names end so are not sent. */
export async function pushOverSsh(login: readonly string[], { to, repo, refs, leaveOut = '-' }: { readonly to: string; readonly repo: string; readonly refs: readonly string[]; readonly leaveOut?: string }): Promise<Said> {
  const { stdout } = await promisify(execFile)('/usr/bin/python3', [fake, JSON.stringify(login), to, repo, ...refs], { env: { ...process.env, LEAVE_OUT: leaveOut } });
  return JSON.parse(stdout) as Said;
}
