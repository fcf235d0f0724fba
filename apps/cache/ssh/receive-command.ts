const options: ReadonlySet<string> = new Set(['--verbose', '-v', '--debug', '-d']);

/**
 * The name of the instance in what a client wants to run: `bst-artifact-receive [--verbose] [--debug] [--pull-url <url>] <path>`. Nothing is run. Undefined: it is another command.
 * What a client says of URLs does not count.
 */
export function receiveCommand(command: string): string | undefined {
  const [program, ...given] = command.slice(0, 4096).trim().split(/\s+/);
  if (program !== 'bst-artifact-receive') return undefined;
  const names: string[] = [];
  for (let at = 0; at < given.length; at += 1) {
    const word = given[at]!;
    if (word === '--pull-url') at += 1;
    else if (!options.has(word) && !word.startsWith('--pull-url=')) names.push(word);
  }
  const [name] = names;
  if (names.length !== 1 || name === undefined || name.startsWith('-')) return undefined;
  return name.replace(/^\/+|\/+$/g, '');
}
