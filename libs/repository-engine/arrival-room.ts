import { randomUUID } from 'node:crypto';
import type { RepositoryCommands } from '../repository-record/repository-record.js';

export type RoomCommands = Pick<RepositoryCommands, 'takeRoom' | 'leaveRoom'>;

export interface ArrivalRoom {
  /** The content, for which room is kept before each of its bytes is given on. Errors: those of `takeRoom`. */
  limited(content: AsyncIterable<Buffer>): AsyncIterable<Buffer>;
  /** Of the room, for `addUpload`, which gives it back. */
  readonly id: string;
  /** It did not arrive. */
  leave(): Promise<void>;
}

/** Bytes that are kept at first for what does not say how large it is; twice as much whenever that is not enough. */
const firstBytes = 1024 * 1024;
/** Milliseconds after which it is said again that the content still comes. */
const renewedAfter = 5 * 60_000;

/** Room in the spool for an upload that begins. Errors: those of `takeRoom`. */
export async function openArrivalRoom(commands: RoomCommands, { size, ...arrival }: { readonly repository: string; readonly by: string; readonly spooled: boolean; readonly size: number | undefined }): Promise<ArrivalRoom> {
  const id = randomUUID();
  let bytes = 0;
  let taken = await commands.takeRoom({ ...arrival, id }, { least: size ?? 0, wanted: size ?? firstBytes });
  let at = performance.now();

  async function take(wanted: number): Promise<void> {
    taken = await commands.takeRoom({ ...arrival, id }, { least: Math.max(bytes, size ?? 0), wanted });
    at = performance.now();
  }

  return {
    id,
    async *limited(content) {
      for await (const chunk of content) {
        bytes += chunk.length;
        if (bytes > taken) await take(Math.max(bytes, taken * 2));
        else if (performance.now() - at > renewedAfter) await take(taken);
        yield chunk;
      }
    },
    leave: () => commands.leaveRoom(id),
  };
}
