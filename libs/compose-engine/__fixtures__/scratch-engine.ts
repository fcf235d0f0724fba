import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ComposeRequest } from '../../compose/compose-request.js';
import { composeRequest } from '../../testing/compose-request.js';
import type { ComposeEngine, EngineOptions, GeneratedTree } from '../compose-engine.js';
import { createComposeEngine, type ComposeEngineOptions } from '../create-compose-engine.js';
import { runTool } from '../../pungi/supervised-tool.js';
import type { EngineSettings } from '../engine-settings.js';
import { runGeneration } from '../run-generation.js';

export interface ScratchEngine extends AsyncDisposable {
  readonly engine: ComposeEngine;
  readonly settings: EngineSettings;
  /** Below it: repositories of the spec. */
  readonly sources: string;
  /** Pins and generates. */
  compose(id: number, request: Partial<ComposeRequest>, options?: Partial<EngineOptions> & { readonly targetDir?: string }): Promise<GeneratedTree>;
  /** `<composes>/odcs-<id>/…` */
  path(id: number, ...parts: readonly string[]): string;
}

/** An engine with directories of its own; generations run where the spec does, unless told otherwise. */
export async function scratchEngine(options: Partial<ComposeEngineOptions> & { readonly change?: Partial<EngineSettings> } = {}): Promise<ScratchEngine> {
  const home = mkdtempSync(path.join(tmpdir(), 'millrace-engine-'));
  const sources = path.join(home, 'sources');
  mkdirSync(sources);
  const settings: EngineSettings = {
    home,
    blobs: `file:${home}/blobs`,
    composes: path.join(home, 'composes'),
    composeUrl: 'http://composes.example/composes',
    composeBucket: undefined,
    composeTargetDirs: { private: path.join(home, 'private') },
    composeSourcePaths: [sources],
    composeAllowDestinations: ['127.0.0.0/8'],
    forbiddenPorts: [],
    upstreamProxy: undefined,
    upstreamNoProxy: [],
    upstreamCa: undefined,
    koji: undefined,
    moduleBuildService: undefined,
    pulpFile: undefined,
    pungiFile: undefined,
    ...options.change,
  };
  const engine = await createComposeEngine({ settings, searchPath: process.env['PATH'], run: (task, how) => runGeneration(task, { signal: how.signal, onProgress: (progress) => how.onProgress?.(progress), onChild: () => undefined, runTool: (tool) => runTool(tool, { signal: how.signal }) }), ...options });
  return {
    engine,
    settings,
    sources,
    async compose(id, request, { targetDir = 'default', ...how } = {}) {
      const engineOptions = { signal: new AbortController().signal, ...how };
      const inputs = await engine.pin(composeRequest(request), engineOptions);
      return engine.generate({ id, targetDir, inputs, startedAt: '2026-11-21T10:00:00.000Z' }, engineOptions);
    },
    path: (id, ...parts) => path.join(settings.composes, `odcs-${id}`, ...parts),
    async [Symbol.asyncDispose]() {
      await engine.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
