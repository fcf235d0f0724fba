import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openContentStore, type ContentStore } from '../content-store.js';
import { createRepositorySource, type OpenRepositorySource, type RepositorySourceOptions } from '../repository-source.js';

export interface ScratchSource extends AsyncDisposable {
  readonly directory: string;
  readonly content: ContentStore;
  readonly source: OpenRepositorySource;
  /** Another one in the same directories, as another process has it. */
  again(overrides?: ScratchOverrides): OpenRepositorySource;
}

export type ScratchOverrides = Partial<Omit<RepositorySourceOptions, 'settings' | 'content' | 'directory'>> & { readonly settings?: Partial<RepositorySourceOptions['settings']> };

/** What is tried again must not take seconds. */
export const quick = { progressBytes: 64, retryDelay: 1, attempts: 3 };

/** A source with a content store of its own, which may read from loopback. */
export async function scratchSource(overrides: ScratchOverrides = {}): Promise<ScratchSource> {
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-source-'));
  const content = await openContentStore(path.join(directory, 'content'));
  const opened: OpenRepositorySource[] = [];
  const again = ({ settings, limits, ...rest }: ScratchOverrides = {}): OpenRepositorySource => {
    const source = createRepositorySource({
      content,
      directory: path.join(directory, 'metadata'),
      version: '1.2.3',
      settings: { composeSourcePaths: [], composeAllowDestinations: ['127.0.0.0/8', '::1'], forbiddenPorts: [], upstreamProxy: undefined, upstreamNoProxy: [], upstreamCa: undefined, ...settings },
      limits: { ...quick, ...limits },
      ...rest,
    });
    opened.push(source);
    return source;
  };
  return {
    directory,
    content,
    source: again(overrides),
    again,
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((source) => source.close()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export const unhurried = { signal: new AbortController().signal };
