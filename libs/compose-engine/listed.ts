/** All of them where a reader can still read it: reasons stand in records and messages. The log has the rest. */
export function listed(items: readonly string[], limit = 200): string {
  const shown = items.slice(0, limit).join(', ');
  return items.length <= limit ? shown : `${shown} and ${items.length - limit} more, which the log names`;
}
