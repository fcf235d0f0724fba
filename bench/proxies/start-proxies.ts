import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { errorMessage } from '../../libs/errors/error-message.js';
import { isWanted, proxyNames } from '../bench-options.js';
import type { BenchOptions, PeerName, ProxyName } from '../bench-options.js';
import type { Origin } from '../origin/start-origin.js';
import { findPeer, installPeers } from './find-peers.js';
import type { MeasuredProxy, ProxyStart } from './measured-proxy.js';
import { startBaseline } from './start-baseline.js';
import { startMillrace } from './start-millrace.js';
import { startMitmproxy } from './start-mitmproxy.js';
import { startSquid } from './start-squid.js';

export interface ProxiesStart {
  readonly options: BenchOptions;
  readonly folder: string;
  readonly origin: Origin;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
  /** Called for each as soon as it runs, so that it is stopped whatever happens to the next. */
  readonly onStarted: (proxy: MeasuredProxy) => void;
}

export interface AbsentProxy {
  readonly name: ProxyName;
  readonly reason: string;
}

/** Starts all that are wanted; a peer that is not there or does not start is reported, not an error. */
export async function startProxies(start: ProxiesStart): Promise<readonly AbsentProxy[]> {
  const { options } = start;
  const wanted = proxyNames.filter((name) => isWanted(options, name, proxyNames));
  const isPeer = (name: ProxyName): name is PeerName => name === 'squid' || name === 'mitmdump';
  const wantedPeers = wanted.filter(isPeer).filter((name) => options.peers.has(name));
  const missing = wantedPeers.filter((name) => findPeer(name, options.peers.get(name)) === undefined);
  if (options.installPeers && missing.length > 0) installPeers(missing, start.onProgress);
  const absent: AbsentProxy[] = [];
  for (const name of wanted) {
    start.signal.throwIfAborted();
    const folder = path.join(start.folder, name);
    mkdirSync(folder);
    const { origin, signal, onProgress } = start;
    const proxyStart: ProxyStart = { folder, origin, signal, onProgress };
    if (!isPeer(name)) {
      start.onStarted(name === 'baseline' ? await startBaseline(proxyStart) : await startMillrace(proxyStart, { proxyProcesses: name === 'millrace' ? 1 : 2, profile: options.profile }));
      continue;
    }
    if (!options.peers.has(name)) continue;
    const executable = findPeer(name, options.peers.get(name));
    if (executable === undefined) {
      absent.push({ name, reason: 'not found (--install-peers gets it, or name it with --peers)' });
      continue;
    }
    try {
      start.onStarted(await (name === 'squid' ? startSquid : startMitmproxy)(executable, proxyStart));
    } catch (error) {
      signal.throwIfAborted();
      absent.push({ name, reason: errorMessage(error) });
    }
  }
  return absent;
}
