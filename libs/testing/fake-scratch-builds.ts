import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { FakeTask } from './fake-koji-tasks.js';

export interface ScratchOptions {
  /** Of the build task; those of architectures have ended well. `closed` unless told. */
  readonly state?: number;
  /** Unless told otherwise. */
  readonly scratch?: boolean;
}

const closed = 2;
/** Of the first task: what makes the directory of a task another number than its id. */
const firstId = 20_001;

/** Answers the id of the build task; each architecture's task has the next one. */
export function addScratchBuild(tasks: FakeTask[], build: ScratchOptions & { readonly top: string; readonly archFiles: Readonly<Record<string, readonly string[]>> }): number {
  const { top, archFiles, state = closed, scratch = true } = build;
  const id = firstId + tasks.length;
  const source = Object.values(archFiles).flat().map((file) => path.basename(file)).find(isSource) ?? 'none.src.rpm';
  tasks.push({ id, parent: null, method: 'build', state, arch: 'noarch', request: [`cli-build/1767916800.1.abcdEFGH/${source}`, 'sp1', { ...(scratch ? { scratch: true } : {}) }], result: null });
  for (const [arch, files] of Object.entries(archFiles)) {
    const task = firstId + tasks.length;
    const directory = directoryOf(task);
    const copied = files.map((file) => copyInto(file, path.join(top, 'work', directory)));
    const [rpms, srpms] = [copied.filter((file) => !isSource(file)), copied.filter(isSource)].map((names) => (names ?? []).map((name) => `${directory}/${name}`));
    tasks.push({ id: task, parent: id, method: 'buildArch', state: closed, arch, request: [`cli-build/1767916800.1.abcdEFGH/${source}`, { name: 'sp1-build' }, arch, true, { repo_id: 1, scratch }], result: { rpms: rpms ?? [], srpms: srpms ?? [], logs: [`${directory}/build.log`], brootid: 1 } });
  }
  return id;
}

export function removeTaskFiles(tasks: readonly FakeTask[], { top, task }: { readonly top: string; readonly task: number }): void {
  for (const { id } of tasks.filter(({ parent }) => parent === task)) rmSync(path.join(top, 'work', directoryOf(id)), { recursive: true, force: true });
}

/** Below `work/`. */
function directoryOf(task: number): string {
  return `tasks/${task % 10_000}/${task}`;
}

function isSource(file: string): boolean {
  return file.endsWith('.src.rpm');
}

function copyInto(file: string, directory: string): string {
  const name = path.basename(file);
  mkdirSync(directory, { recursive: true });
  copyFileSync(file, path.join(directory, name));
  return name;
}
