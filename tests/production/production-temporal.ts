import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { runStep } from '../../temporal/run-step.js';
import { isExecutable, toolCacheDirectory } from '../../temporal/tool-cache.js';
import { StartedProcess, run } from './started-process.js';

const version = 'v1.29.1';
const module = 'go.temporal.io/server';

export interface ProductionTemporal {
  readonly server: string;
  /** Folder with `postgresql/v12/…/versioned`. */
  readonly schemas: string;
  /** Folder with `temporal` and `temporal-sql-tool`. */
  readonly tools: string;
}

export interface BuildOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** The `temporal` command. */
  readonly command: string;
  /** Empty folder. */
  readonly tools: string;
  readonly onProgress: (message: string) => void;
}

/** Builds the server that stands in the file with Go, once (some ten minutes on two cores); later runs find it in the cache. */
export async function buildProductionTemporal({ environment, command, tools, onProgress }: BuildOptions): Promise<ProductionTemporal> {
  const cache = path.join(toolCacheDirectory(environment), `temporal-server-${version.slice(1)}`);
  mkdirSync(cache, { recursive: true });
  for (const [name, folder] of [
    ['sql', 'cmd/tools/sql'],
    ['server', 'cmd/server'],
  ] as const) {
    if (isExecutable(path.join(cache, name))) continue;
    await runStep(
      {
        command: 'go',
        args: ['install', `${module}/${folder}@${version}`],
        environment: { ...environment, GOBIN: cache },
        title: `building Temporal's ${name}`,
      },
      { environment, onProgress, signal: undefined },
    );
  }
  mkdirSync(tools);
  symlinkSync(path.join(cache, 'sql'), path.join(tools, 'temporal-sql-tool'));
  symlinkSync(command, path.join(tools, 'temporal'));
  const { code, stdout } = await run(['go', 'env', 'GOMODCACHE'], { environment: environment as Record<string, string>, cwd: '/' });
  if (code !== 0) throw new Error('go env GOMODCACHE failed');
  return { server: path.join(cache, 'server'), schemas: path.join(stdout.trim(), `${module}@${version}`, 'schema'), tools };
}

export interface TemporalOptions {
  readonly server: string;
  readonly directory: string;
  readonly logs: string;
  /** gRPC port of the frontend; the seven after it are taken too. */
  readonly port: number;
  /** What docker-compose.yml hands to the image. */
  readonly environment: Readonly<Record<string, string>>;
  readonly password: string;
}

/** Starts all roles in one process, with the values that the image's template makes of these variables, on loopback. */
export function startProductionTemporal(options: TemporalOptions): StartedProcess {
  const { directory, port, environment, password } = options;
  const config = path.join(directory, 'temporal-config');
  mkdirSync(config);
  const address = `127.0.0.1:${port}`;
  const sql = (databaseName: string): object => ({
    sql: {
      pluginName: environment['DB'],
      databaseName,
      connectAddr: `${environment['POSTGRES_SEEDS']}:${environment['DB_PORT']}`,
      connectProtocol: 'tcp',
      user: environment['POSTGRES_USER'],
      password,
      maxConns: 20,
      maxIdleConns: 20,
      maxConnLifetime: '1h',
    },
  });
  const role = (offset: number, http?: number): object => ({
    rpc: { grpcPort: port + offset, membershipPort: port + offset + 4, bindOnIP: '127.0.0.1', ...(http === undefined ? {} : { httpPort: http }) },
  });
  writeFileSync(path.join(config, 'dynamic.yaml'), '{}\n');
  const settings = {
    log: { stdout: true, level: 'warn' },
    persistence: {
      numHistoryShards: Number(environment['NUM_HISTORY_SHARDS']),
      defaultStore: 'default',
      visibilityStore: 'visibility',
      datastores: { default: sql('temporal'), visibility: sql('temporal_visibility') },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: { frontend: role(0, port + 8), matching: role(1), history: role(2), worker: role(3) },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: { active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress: address } },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: path.join(config, 'dynamic.yaml'), pollInterval: '60s' },
  };
  writeFileSync(path.join(config, 'docker.yaml'), stringify(settings), { mode: 0o600 });
  const command = [options.server, '--root', directory, '--config', 'temporal-config', '--env', 'docker', '--allow-no-auth', 'start'];
  return new StartedProcess({ name: 'temporal', command, environment: { PATH: '/usr/bin:/bin' }, cwd: directory, logs: options.logs }, { unprivileged: false });
}
