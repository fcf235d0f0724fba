import type { InspectedRequest } from '../../inspection/inspector.js';

/** Whether the request says that it comes from `gem` or `bundle`. A hint of what is asked for, never a proof. */
export function isGemClient(request: InspectedRequest): boolean {
  return /^(?:Ruby, RubyGems\/|RubyGems\/|bundler\/)/.test(request.header('user-agent') ?? '');
}
