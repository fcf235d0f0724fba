import type { InspectedRequest } from '../../inspection/inspector.js';

/** Whether the request says that it comes from a NuGet client (`NuGet Command Line/…`, `NuGet .NET Core …`). A hint of what is asked for, never a proof. */
export function isNugetClient(request: InspectedRequest): boolean {
  return request.header('user-agent')?.startsWith('NuGet') === true;
}
