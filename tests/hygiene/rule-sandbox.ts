import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const maxOutputBytes = 32 * 1024 * 1024;

/** A throw-away project with this repository's configuration and the given sources, so that path-bound rules meet real paths. */
export class RuleSandbox implements Disposable {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'millrace-rules-'));

  constructor(files: Readonly<Record<string, string>>) {
    for (const name of ['eslint.config.mjs', '.dependency-cruiser.cjs', 'tsconfig.json', 'package.json']) {
      cpSync(path.join(root, name), path.join(this.directory, name));
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(this.directory, 'node_modules'));
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(this.directory, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  /** Runs a tool of node_modules; resolves with its standard output whatever its exit code: tools report violations by a code. */
  run(script: string, parameters: readonly string[]): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    execFile(
      process.execPath,
      [path.join(root, 'node_modules', script), ...parameters],
      { cwd: this.directory, maxBuffer: maxOutputBytes },
      (error, stdout, stderr) => {
        if (stdout === '') reject(new Error(`${script} printed nothing: ${stderr}`, { cause: error }));
        else resolve(stdout);
      },
    );
    return promise;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
