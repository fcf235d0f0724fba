import type { InspectedRequest } from '../../inspection/inspector.js';

const clients = ['pip/', 'uv/', 'poetry/', 'pdm/', 'pipenv/', 'setuptools/', 'hatch/', 'unearth/'];

/** Whether the request says that it comes from an installer of Python packages. A hint of what is asked for, never a proof. */
export function isPythonClient(request: InspectedRequest): boolean {
  const agent = request.header('user-agent');
  return agent !== undefined && clients.some((client) => agent.startsWith(client));
}
