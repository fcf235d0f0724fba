import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../libs/embedded/project-root.js';
import { MillraceError } from '../libs/errors/millrace-error.js';
import type { ToolSource } from './find-tool.js';
import { runStep } from './run-step.js';
import { findOnPath, isExecutable, userHome } from './tool-cache.js';

/** Time without a byte after which the official download is given up: a host that cannot be reached must not hold up the start. */
const downloadStallMilliseconds = 20_000;

/** What the Temporal SDK itself fetches for tests, through the SDK (it knows address, version and archive format). */
export function officialDownload(kind: 'createLocal' | 'createTimeSkipping'): ToolSource {
  return {
    label: 'the official download',
    obtain: (target, context) =>
      withStaging(target, async (staging) => {
        const script = `import { TestWorkflowEnvironment } from '@temporalio/testing';
          const environment = await TestWorkflowEnvironment.${kind}({ server: { executable: { type: 'cached-download', downloadDir: process.argv[1] } } });
          await environment.teardown();`;
        await runStep(
          {
            command: process.execPath,
            args: ['--input-type=module', '--eval', script, staging],
            environment: { ...context.environment },
            cwd: projectRoot(),
            title: 'downloading',
            stall: { milliseconds: downloadStallMilliseconds, progress: () => bytesIn(staging) },
          },
          context,
        );
        const file = readdirSync(staging).map((name) => path.join(staging, name)).find(isExecutable);
        if (file === undefined) throw new MillraceError('tool-not-found', 'the download left no executable file');
        renameSync(file, target);
      }),
  };
}

/** Compiles a Go program (`module@version`) with the machine's Go. */
export function goInstall(module: string): ToolSource {
  return {
    label: `go install ${module} (compiles for 4 to 10 minutes, once)`,
    obtain: (target, context) =>
      withStaging(target, async (staging) => {
        const go = findOnPath('go', context.environment) ?? ['/usr/local/go/bin/go', '/usr/lib/go/bin/go'].find(isExecutable);
        if (go === undefined) throw new MillraceError('tool-not-found', 'there is no go on PATH');
        const home = userHome(context.environment);
        await runStep({ command: go, args: ['install', module], environment: { HOME: home, ...context.environment, GOBIN: staging, GOFLAGS: '' }, title: `compiling ${module}` }, context);
        const built = path.join(staging, goProgramName(module));
        if (!existsSync(built)) throw new MillraceError('tool-not-found', `go install made no ${path.basename(built)}`);
        renameSync(built, target);
      }),
  };
}

/** Fetches a Java program with all it needs by Maven and wraps it in a script. `target` is the script, in a folder of its own. */
export function mavenProgram(coordinates: { readonly group: string; readonly artifact: string; readonly version: string; readonly mainClass: string }): ToolSource {
  return {
    label: `Maven ${coordinates.group}:${coordinates.artifact}:${coordinates.version}`,
    obtain: (target, context) =>
      withStaging(path.dirname(target), async (staging) => {
        const maven = findOnPath('mvn', context.environment);
        if (maven === undefined) throw new MillraceError('tool-not-found', 'there is no mvn on PATH');
        if (findOnPath('java', context.environment) === undefined) throw new MillraceError('tool-not-found', 'there is no java on PATH');
        const pom = path.join(staging, 'pom.xml');
        writeFileSync(pom, pomFor(coordinates));
        await runStep(
          {
            command: maven,
            args: ['-q', '-B', '-f', pom, 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies', `-DoutputDirectory=${path.join(staging, 'lib')}`, '-DincludeScope=runtime'],
            environment: { HOME: userHome(context.environment), ...context.environment },
            title: `fetching ${coordinates.artifact}`,
          },
          context,
        );
        writeFileSync(path.join(staging, path.basename(target)), wrapperScript(coordinates.mainClass), { mode: 0o755 });
        replaceFolder(staging, path.dirname(target));
      }),
  };
}

/** Works in a folder beside the target (same file system), so that the last step is one atomic rename. */
async function withStaging(target: string, work: (staging: string) => Promise<void>): Promise<void> {
  const folder = path.dirname(target);
  const prefix = `.${path.basename(target)}-`;
  mkdirSync(folder, { recursive: true });
  // The caller holds the lock of this target, so what lies here was left by a process that was killed.
  for (const name of readdirSync(folder)) if (name.startsWith(prefix)) rmSync(path.join(folder, name), { recursive: true, force: true });
  const staging = mkdtempSync(path.join(folder, prefix));
  try {
    await work(staging);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** The lock file of the target lives in the folder too, so the contents are moved and the wrapper, which makes it complete, goes last. */
function replaceFolder(staging: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(staging).sort((a, b) => Number(isExecutable(path.join(staging, a))) - Number(isExecutable(path.join(staging, b))))) {
    rmSync(path.join(folder, name), { recursive: true, force: true });
    renameSync(path.join(staging, name), path.join(folder, name));
  }
}

function goProgramName(module: string): string {
  return path.posix.basename(module.replace(/@.*$/, ''));
}

function pomFor(coordinates: { readonly group: string; readonly artifact: string; readonly version: string }): string {
  return `<project>
  <modelVersion>4.0.0</modelVersion><groupId>millrace</groupId><artifactId>tool</artifactId><version>1</version>
  <dependencies><dependency><groupId>${coordinates.group}</groupId><artifactId>${coordinates.artifact}</artifactId><version>${coordinates.version}</version></dependency></dependencies>
</project>
`;
}

function wrapperScript(mainClass: string): string {
  return `#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
exec java -cp "$here/lib/*" ${mainClass} "$@"
`;
}

function bytesIn(folder: string): number {
  try {
    return readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
  } catch {
    return 0;
  }
}
