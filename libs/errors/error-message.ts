/** The message of whatever was thrown; works across jest's realms, where `instanceof Error` does not. */
export function errorMessage(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string' ? error.message : String(error);
}
