import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ToolDefinition } from './find-tool.js';
import { findTool } from './find-tool.js';
import { goInstall } from './tool-sources.js';
import { toolCacheDirectory } from './tool-cache.js';

let folder: string;
let messages: string[];

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'find-tool-'));
  messages = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('finding a tool', () => {
  it('takes the setting before PATH, PATH before the cache', async () => {
    const named = executable('named/other-name');
    const onPath = executable('path/tool');
    const cached = executable('cache/tool-1');
    expect(await find({ MILLRACE_TOOL: named, PATH: path.dirname(onPath) })).toBe(named);
    expect(await find({ PATH: path.dirname(onPath) })).toBe(onPath);
    expect(await find({ PATH: '/nonexistent' })).toBe(cached);
    expect(messages).toEqual([`the tool: ${named} (MILLRACE_TOOL)`, `the tool: ${onPath} (PATH)`, `the tool: ${cached} (cache)`]);
  });

  it('remembers what was on PATH for a daemon that is started without one, until it is gone', async () => {
    const onPath = executable('path/tool');
    await find({ PATH: path.dirname(onPath) });
    expect(realpathSync(await find({ PATH: '/nonexistent' }))).toBe(realpathSync(onPath));
    rmSync(onPath);
    await expect(find({ PATH: '/nonexistent' })).rejects.toMatchObject({ code: 'tool-not-found' });
  });

  it('refuses a setting that names nothing executable instead of looking on', async () => {
    executable('cache/tool-1');
    const missing = path.join(folder, 'missing');
    await expect(find({ MILLRACE_TOOL: missing })).rejects.toMatchObject({ code: 'tool-not-found', message: expect.stringContaining(missing) });
  });

  it('ignores relative entries of PATH, which would depend on the current folder', async () => {
    executable('tool');
    await expect(find({ PATH: path.relative(process.cwd(), folder) })).rejects.toMatchObject({ code: 'tool-not-found' });
  });

  it('asks the sources in order and says what each was up to', async () => {
    const sources = [failing('first way'), making('second way')];
    const found = await find({ PATH: '/nonexistent' }, sources);
    expect(found).toBe(path.join(folder, 'cache', 'tool-1'));
    expect(messages).toEqual([
      `the tool: not named by MILLRACE_TOOL, not on PATH, not in the cache (${path.join(folder, 'cache')})`,
      'the tool: trying first way',
      'the tool: first way did not work: no luck',
      'the tool: trying second way',
      `the tool: ${found} (second way)`,
    ]);
  });

  it('lists all that was tried when nothing works', async () => {
    await expect(find({ PATH: '/nonexistent' }, [failing('first way'), failing('second way')])).rejects.toMatchObject({
      code: 'tool-not-found',
      message: expect.stringMatching(/MILLRACE_TOOL.*PATH.*cache.*first way: no luck; second way: no luck/),
      suggestion: expect.stringContaining('MILLRACE_TOOL'),
    });
  });

  it('makes it once when several ask at the same time', async () => {
    let made = 0;
    const source = { label: 'slow way', obtain: async (target: string) => {
      made += 1;
      await new Promise((resolve) => setTimeout(resolve, 300));
      writeScript(target, 'exit 0');
    } };
    const found = await Promise.all([1, 2, 3].map(() => find({ PATH: '/nonexistent' }, [source])));
    expect(new Set(found).size).toBe(1);
    expect(made).toBe(1);
    expect(messages.some((message) => message.includes('waiting'))).toBe(true);
  });

  it('stops when it is told to while a source is at work', async () => {
    const stop = new AbortController();
    const go = goThat('sleep 600 & wait');
    const result = find({ PATH: `${path.dirname(go)}:/usr/bin:/bin` }, [goInstall('example.org/cmd/tool@v1')], stop.signal);
    await until(() => messages.some((message) => message.includes('trying')));
    stop.abort(new Error('enough'));
    await expect(result).rejects.toThrow('enough');
    expect(leftInCache()).toEqual([]);
  });
});

describe('go install', () => {
  it('builds into a folder beside the cache and moves the program there', async () => {
    const go = goThat(`echo "$@" > ${folder}/arguments; echo $GOBIN > ${folder}/gobin; printf '#!/bin/sh\\nexit 0\\n' > $GOBIN/tool; chmod 755 $GOBIN/tool`);
    const found = await find({ PATH: `${path.dirname(go)}:/usr/bin:/bin` }, [goInstall('example.org/cmd/tool@v1.5.1')]);
    expect(readFileSync(path.join(folder, 'arguments'), 'utf8')).toBe('install example.org/cmd/tool@v1.5.1\n');
    expect(path.dirname(readFileSync(path.join(folder, 'gobin'), 'utf8').trim())).toBe(path.dirname(found));
    expect(leftInCache()).toEqual(['tool-1']);
  });

  it('leaves nothing behind and passes on the compiler\'s words when it fails', async () => {
    const go = goThat('touch $GOBIN/half; echo "no such module" >&2; exit 1');
    await expect(find({ PATH: `${path.dirname(go)}:/usr/bin:/bin` }, [goInstall('example.org/cmd/tool@v1')])).rejects.toMatchObject({ message: expect.stringContaining('no such module (exit code 1)') });
    expect(leftInCache()).toEqual([]);
  });
});

describe('the cache', () => {
  it('is found without HOME', () => {
    expect(toolCacheDirectory({})).toBe(path.join(os.userInfo().homedir, '.cache', 'millrace'));
    expect(toolCacheDirectory({ HOME: '/home/x' })).toBe('/home/x/.cache/millrace');
    expect(toolCacheDirectory({ HOME: '/home/x', XDG_CACHE_HOME: '/var/cache/x' })).toBe('/var/cache/x/millrace');
  });
});

function find(environment: Record<string, string>, sources: ToolDefinition['sources'] = [], signal?: AbortSignal): Promise<string> {
  return findTool(
    { title: 'the tool', setting: 'MILLRACE_TOOL', command: 'tool', cacheFile: 'tool-1', sources },
    { environment, cacheDirectory: path.join(folder, 'cache'), onProgress: (message) => void messages.push(message), ...(signal === undefined ? {} : { signal }) },
  );
}

function failing(label: string): ToolDefinition['sources'][number] {
  return { label, obtain: () => Promise.reject(new Error('no luck')) };
}

function making(label: string): ToolDefinition['sources'][number] {
  return { label, obtain: (target) => Promise.resolve(writeScript(target, 'exit 0')) };
}

/** A stand-in for the Go command. */
function goThat(script: string): string {
  const file = path.join(folder, 'go-bin', 'go');
  mkdirSync(path.dirname(file));
  writeScript(file, script);
  return file;
}

function executable(name: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeScript(file, 'exit 0');
  return file;
}

function writeScript(file: string, script: string): void {
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

function leftInCache(): string[] {
  const cache = path.join(folder, 'cache');
  return existsSync(cache) ? readdirSync(cache).filter((name) => !name.includes('.lock')) : [];
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
