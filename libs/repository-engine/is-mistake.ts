/** A mistake of ours that a package brings to light is in the way of that package, not of the repository: stack and arithmetic are what hostile bytes reach for. */
export function isMistake(error: unknown): boolean {
  return error instanceof Error && ['RangeError', 'TypeError', 'SyntaxError'].includes(error.name);
}
