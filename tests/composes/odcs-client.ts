import { pythonTool } from '../server/python-tool.js';

const version = '0.9.2';

/**
 * Python of an environment with ODCS's own client. What it needs to log in with Kerberos has to be compiled against a system's library, and nobody logs in here:
 * an empty module stands for it. What talks HTTP is all real.
 */
export function odcsClientPython(): Promise<string> {
  return pythonTool({
    name: `odcs-client-${version}-1`,
    requirements: ['--no-deps', `odcs==${version}`, 'requests==2.34.2', 'urllib3', 'idna', 'certifi', 'charset-normalizer', 'PyJWT', 'filelock', 'opentelemetry-api', 'typing-extensions', 'importlib-metadata', 'zipp'],
    modules: { 'requests_gssapi.py': 'class HTTPSPNEGOAuth:\n    def __init__(self, *_args, **_options):\n        raise RuntimeError("no Kerberos here")\n' },
  });
}
