import type { Environment, Settings } from '../settings/settings.js';
import type { ServerPorts } from './server-ports.js';

export interface ServiceAddresses {
  readonly databaseUrl: string;
  /** `host:port`. */
  readonly temporalAddress: string;
  readonly temporalUi: string | undefined;
}

/** What gateway, worker, proxy and cache get: the server's own environment with every address settled. */
export function childEnvironment(environment: Environment, settings: Settings, ports: ServerPorts & { readonly services: ServiceAddresses; readonly scheme: 'http' | 'https' }): NodeJS.ProcessEnv {
  const { services, scheme } = ports;
  return {
    ...environment,
    MILLRACE_HOME: settings.home,
    MILLRACE_CONTROL_PORT: String(ports.control),
    ...(ports.proxy === undefined ? {} : { MILLRACE_PROXY_PORT: String(ports.proxy) }),
    ...(ports.cache === undefined ? {} : { MILLRACE_CACHE_PORT: String(ports.cache) }),
    ...(ports.cacheSsh === undefined ? {} : { MILLRACE_CACHE_SSH_PORT: String(ports.cacheSsh) }),
    ...(ports.cacheMetrics === undefined ? {} : { MILLRACE_CACHE_METRICS_PORT: String(ports.cacheMetrics) }),
    // The worker puts it into messages and files, and only here the port is known.
    MILLRACE_COMPOSE_URL: environment['MILLRACE_COMPOSE_URL'] ?? `${scheme}://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${ports.control}/composes`,
    MILLRACE_REPOSITORY_URL: environment['MILLRACE_REPOSITORY_URL'] ?? `${scheme}://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${ports.control}/repositories`,
    MILLRACE_DATABASE_URL: services.databaseUrl,
    MILLRACE_TEMPORAL_ADDRESS: services.temporalAddress,
    MILLRACE_TEMPORAL_UI: services.temporalUi,
    MILLRACE_FORBIDDEN_PORTS: forbiddenPorts(ports, services).join(','),
    // gRPC heeds https_proxy even for loopback, where no proxy of a company can help.
    no_grpc_proxy: [environment['no_grpc_proxy'] ?? environment['no_proxy'] ?? environment['NO_PROXY'] ?? '', 'localhost', '127.0.0.1'].filter((item) => item !== '').join(','),
    NODE_ENV: environment['NODE_ENV'] ?? 'production',
  };
}

/** Ports that no session may reach, on whatever address: the service's own. */
function forbiddenPorts(ports: ServerPorts, services: ServiceAddresses): readonly number[] {
  const database = new URL(services.databaseUrl).port;
  const temporal = services.temporalAddress.slice(services.temporalAddress.lastIndexOf(':') + 1);
  const { control, proxy, cache, cacheSsh, cacheMetrics, postgres } = ports;
  const all = [control, proxy, cache, cacheSsh, cacheMetrics, postgres, ports.temporal, ports.temporalUi, Number(database === '' ? 5432 : database), Number(temporal)].filter((port) => port !== undefined);
  return [...new Set(all)].sort((a, b) => a - b);
}
