import { pythonTool } from '../server/python-tool.js';

/** Python with ODCS's own client and all that it logs in with: GSSAPI's part is compiled against the system's library when the cache has none. */
export function odcsLoginPython(): Promise<string> {
  return pythonTool({ name: 'odcs-client-kerberos-0.9.2-1', requirements: ['odcs[client]==0.9.2', 'requests==2.34.2', 'requests-gssapi==1.4.0'] });
}
