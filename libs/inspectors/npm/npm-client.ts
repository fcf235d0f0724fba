import type { InspectedRequest } from '../../inspection/inspector.js';

const clients = ['npm/', 'pnpm/', 'yarn/', 'bun/', 'Bun/'];

/** Whether the request says that it comes from a client of the npm registry protocol. A hint of what is asked for, never a proof. */
export function isNpmClient(request: InspectedRequest): boolean {
  const agent = request.header('user-agent');
  return agent !== undefined && clients.some((client) => agent.startsWith(client));
}
