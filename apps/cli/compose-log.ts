export interface LogFollower {
  /** Says the lines that have come since the last time. Never rejects. */
  read(): Promise<void>;
}

/** Bytes of one request, and of a line. */
const chunk = 256 * 1024;
const longestLine = 2000;
/** Milliseconds. */
const timeout = 5000;

/** Address of the log, if there is one: a compose whose sources cannot be read has none, one that was removed has none any more. */
export async function findLog(toplevelUrl: string): Promise<string | undefined> {
  if (toplevelUrl === '') return undefined;
  const url = logOf(toplevelUrl);
  const response = await fetch(url, { headers: { range: 'bytes=0-0' }, redirect: 'error', signal: AbortSignal.timeout(timeout) }).catch(() => undefined);
  await response?.body?.cancel();
  // A server that cannot be reached from here may have it all the same.
  return response === undefined || response.ok ? url : undefined;
}

function logOf(toplevelUrl: string): string {
  return `${toplevelUrl}/pungi-stderr.log`;
}

/** Follows the log of a compose by range requests, without credentials: it is as public as the compose's files. */
export function followLog(toplevelUrl: string, line: (text: string) => void): LogFollower {
  const url = toplevelUrl === '' ? undefined : logOf(toplevelUrl);
  let position = 0;
  let rest: Buffer = Buffer.alloc(0);

  async function readChunk(from: string): Promise<boolean> {
    const response = await fetch(from, { headers: { range: `bytes=${position}-${position + chunk - 1}` }, redirect: 'error', signal: AbortSignal.timeout(timeout) });
    // 404: not begun; 416: nothing new; 200: a server without ranges would send the whole file each time.
    if (response.status !== 206) {
      await response.body?.cancel();
      return false;
    }
    const bytes = Buffer.from(await response.arrayBuffer());
    position += bytes.length;
    const text = Buffer.concat([rest, bytes]);
    const end = text.lastIndexOf(0x0a) + 1;
    rest = text.subarray(end).subarray(0, longestLine);
    for (const each of text.subarray(0, end).toString('utf8').split('\n').slice(0, -1)) line(each.slice(0, longestLine));
    return bytes.length === chunk;
  }

  return {
    async read() {
      if (url === undefined) return;
      try {
        while (await readChunk(url));
      } catch {
        // The files may be on a server that cannot be reached from here; the state is told all the same.
      }
    },
  };
}
