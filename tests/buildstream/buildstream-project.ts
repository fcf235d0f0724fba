import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Files with a directory, a link and one that needs a stream. */
function writeFiles(folder: string): void {
  mkdirSync(path.join(folder, 'deep/er'), { recursive: true });
  writeFileSync(path.join(folder, 'hello'), 'hello\n');
  writeFileSync(path.join(folder, 'deep/er/empty'), '');
  // Larger than a batch may be.
  writeFileSync(path.join(folder, 'large'), randomBytes(5 * 1024 * 1024));
  symlinkSync('hello', path.join(folder, 'link'));
}

function writeElements(folder: string, elements: Readonly<Record<string, string>>): void {
  mkdirSync(path.join(folder, 'elements'));
  for (const [name, text] of Object.entries(elements)) writeFileSync(path.join(folder, 'elements', `${name}.bst`), text);
}

/** A project for BuildStream 1: three elements, none of which needs a sandbox. */
export function writeProjectOf1(folder: string): void {
  mkdirSync(folder);
  writeFiles(path.join(folder, 'files'));
  writeFileSync(path.join(folder, 'project.conf'), 'name: mill\nelement-path: elements\n');
  writeElements(folder, {
    base: 'kind: import\nsources:\n- kind: local\n  path: files\n',
    other: 'kind: import\nsources:\n- kind: local\n  path: files/deep\n',
    all: 'kind: stack\ndepends:\n- base.bst\n- other.bst\n',
  });
}

/** A project for BuildStream 2, whose element `made` runs commands in a sandbox that has this machine's shell. What it makes cannot be had from the checkout's own sources, nor from the record, which holds small blobs. */
export function writeProjectOf2(folder: string): void {
  mkdirSync(folder);
  writeFiles(path.join(folder, 'files'));
  const base = path.join(folder, 'base');
  for (const name of ['bin', 'etc', 'tmp']) mkdirSync(path.join(base, name), { recursive: true });
  copyFileSync('/bin/sh', path.join(base, 'bin/sh'));
  for (const [library] of execFileSync('ldd', ['/bin/sh'], { encoding: 'utf8' }).matchAll(/\/\S+/g)) {
    mkdirSync(path.join(base, path.dirname(library)), { recursive: true });
    copyFileSync(library, path.join(base, library));
  }
  writeFileSync(path.join(folder, 'project.conf'), 'name: mill\nmin-version: 2.0\nelement-path: elements\n');
  writeElements(folder, {
    base: 'kind: import\nsources:\n- kind: local\n  path: base\n',
    made: 'kind: manual\nbuild-depends:\n- base.bst\nsources:\n- kind: local\n  path: files\nconfig:\n  install-commands:\n  - read word < hello; i=1; while [ $i -le 1000 ]; do echo "$i is made of $word"; i=$((i+1)); done > "%{install-root}/made"\n',
    all: 'kind: stack\ndepends:\n- base.bst\n- made.bst\n',
  });
}
