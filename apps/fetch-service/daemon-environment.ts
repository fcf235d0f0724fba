import os from 'node:os';
import path from 'node:path';
import type { Environment } from '../../libs/settings/settings.js';
import type { DaemonOptions } from './daemon-options.js';

/** Where the daemon of that name keeps its data when it is not told. */
const defaultSpool = '/var/lib/fetch';

export function spoolDirectory(options: DaemonOptions): string {
  return path.resolve(options.spool ?? defaultSpool);
}

/** The daemon's flags and variables in the words of Millrace's settings. Settings of Millrace itself that are in the environment win. */
export function daemonEnvironment(options: DaemonOptions, environment: Environment): Environment {
  return {
    MILLRACE_HOME: path.join(spoolDirectory(options), 'millrace'),
    // The daemon's clients sit behind bridges (LXD) and on other machines; it has always listened on every interface.
    MILLRACE_HOST: hasIpv6() ? '::' : '0.0.0.0',
    MILLRACE_UPSTREAM_PROXY: upstreamProxy(environment),
    MILLRACE_UPSTREAM_NO_PROXY: environment['NO_PROXY'] ?? environment['no_proxy'],
    // Every request is logged as it is there, and the idle shutdown counts them.
    MILLRACE_LOG_LEVEL: 'debug',
    ...environment,
    MILLRACE_CONTROL_PORT: String(options.controlPort),
    MILLRACE_PROXY_PORT: String(options.proxyPort),
    MILLRACE_PERMISSIVE: options.permissive ? '1' : '0',
    ...(options.certificate === undefined || options.key === undefined ? {} : { MILLRACE_CA_CERT: path.resolve(options.certificate), MILLRACE_CA_KEY: path.resolve(options.key) }),
  };
}

function upstreamProxy(environment: Environment): string | undefined {
  const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'];
  const value = names.map((name) => environment[name]).find((each) => each !== undefined && each !== '');
  return value === undefined || value.includes('://') ? value : `http://${value}`;
}

function hasIpv6(): boolean {
  return Object.values(os.networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6') === true);
}
