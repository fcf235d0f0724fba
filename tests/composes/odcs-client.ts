import { pythonTool } from '../server/python-tool.js';

const version = '0.9.2';

const libraries = ['urllib3', 'idna', 'certifi', 'charset-normalizer', 'PyJWT', 'filelock', 'opentelemetry-api', 'typing-extensions', 'importlib-metadata', 'zipp'];

/**
 * Python of an environment with ODCS's own client. What it needs to log in with Kerberos has to be compiled against a system's library, and nobody logs in here:
 * an empty module stands for it. What talks HTTP is all real.
 */
export function odcsClientPython(): Promise<string> {
  return pythonTool({
    name: `odcs-client-${version}-1`,
    requirements: ['--no-deps', `odcs==${version}`, 'requests==2.34.2', ...libraries],
    modules: { 'requests_gssapi.py': 'class HTTPSPNEGOAuth:\n    def __init__(self, *_args, **_options):\n        raise RuntimeError("no Kerberos here")\n' },
  });
}

/** The same with what it really logs in to Kerberos with: compiled against the system's library (libkrb5-dev) when the cache has none, which takes another minute. */
export function odcsKerberosPython(): Promise<string> {
  return pythonTool({ name: `odcs-client-${version}-gssapi-1`, requirements: ['--no-deps', `odcs==${version}`, 'requests==2.34.2', ...libraries, 'requests-gssapi==1.4.0', 'gssapi==1.12.0', 'decorator'] });
}
