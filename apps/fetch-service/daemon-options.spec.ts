import { describe, expect, it } from '@jest/globals';
import { daemonEnvironment } from './daemon-environment.js';
import { parseDaemonOptions } from './daemon-options.js';

describe('the command line of fetch-service', () => {
  it('is taken as craft-application gives it', () => {
    const options = parseDaemonOptions(['--control-port=13555', '--proxy-port=13444', '--config=/b/config', '--spool=/b/spool', '--cert=/b/c.pem', '--key=/b/k.pem', '--permissive-mode', '--idle-shutdown=300', '--log-file=/b/log']);
    expect(options).toMatchObject({ controlPort: 13555, proxyPort: 13444, config: '/b/config', spool: '/b/spool', certificate: '/b/c.pem', key: '/b/k.pem', permissive: true, idleShutdown: 300, logFile: '/b/log', version: false });
  });

  it('is taken with blanks for equals signs, with the short form and with the flags that mean nothing here', () => {
    const options = parseDaemonOptions(['--control-port', '1', '-p', '2', '--permissive-mode=false', '--profile=true', '--profile-port', '6060', '--verbosity', 'debug', '--security-log-file', '/s']);
    expect(options).toMatchObject({ controlPort: 1, proxyPort: 2, permissive: false, verbosity: 'debug', securityLogFile: '/s' });
  });

  it('has the defaults of fetch-service', () => {
    expect(parseDaemonOptions([])).toMatchObject({ controlPort: 9999, proxyPort: 9988, permissive: false, idleShutdown: 0 });
  });

  it.each([[['--no-such-flag']], [['--control-port']], [['--control-port=x']], [['--proxy-port=65536']], [['--idle-shutdown=-1']], [['stray']], [['--cert=/only']], [['--key=/only']]])('refuses %j', (args) => {
    expect(() => parseDaemonOptions(args)).toThrow(expect.objectContaining({ code: 'invalid-setting' }));
  });
});

describe('the settings that follow from it', () => {
  const options = parseDaemonOptions(['--spool=/spool', '--cert=/c', '--key=/k', '--permissive-mode']);

  it('keep everything in the spool and take the proxies of the environment for upstream', () => {
    const environment = daemonEnvironment(options, { FETCH_SERVICE_AUTH: 'craft:craft', https_proxy: 'squid.example:3128', NO_PROXY: '*.local' });
    expect(environment).toMatchObject({ MILLRACE_HOME: '/spool/millrace', MILLRACE_CONTROL_PORT: '9999', MILLRACE_PERMISSIVE: '1', MILLRACE_CA_CERT: '/c', MILLRACE_CA_KEY: '/k', MILLRACE_UPSTREAM_PROXY: 'http://squid.example:3128', MILLRACE_UPSTREAM_NO_PROXY: '*.local', FETCH_SERVICE_AUTH: 'craft:craft' });
  });

  it('let the flags win over variables, so that a strict daemon stays strict', () => {
    expect(daemonEnvironment(parseDaemonOptions([]), { MILLRACE_PERMISSIVE: '1', MILLRACE_CONTROL_PORT: '1' })).toMatchObject({ MILLRACE_PERMISSIVE: '0', MILLRACE_CONTROL_PORT: '9999' });
  });
});
