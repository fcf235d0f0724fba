import { createWriteStream, type WriteStream } from 'node:fs';
import { open, rm, statfs, type FileHandle } from 'node:fs/promises';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import path from 'node:path';
import { Readable } from 'node:stream';

const memoryLimit = 256 * 1024;
const maximumPieces = 128;
/** Bytes that a body never takes from the disk: the database may live on it, too. */
const diskReserve = 512 * 1024 * 1024;
const checkEvery = 16 * 1024 * 1024;

/**
 * A body at rest until its verdict: in memory up to 256 KiB, then in a file of mode 0600 in the spool directory. Memory stays
 * flat because the file's own back-pressure is passed on by `write`.
 */
export class BodySpool {
  readonly #path: string;
  #chunks: Buffer[] = [];
  #size = 0;
  #stream: WriteStream | undefined;
  #failure: Error | undefined;
  #handle: FileHandle | undefined;

  #checkedAt = 0;

  /** `directory` must exist; `name` unique in it. `reserve`: bytes that stay free on its disk. */
  constructor(
    private readonly directory: string,
    name: string,
    private readonly reserve = diskReserve,
  ) {
    this.#path = path.join(directory, name);
  }

  /** True: go on. False: wait for `drained()` before writing more. */
  write(chunk: Buffer): boolean {
    this.#size += chunk.length;
    if (this.#stream === undefined) {
      this.#chunks.push(chunk);
      // An origin that sends byte by byte must not make a buffer object of each.
      if (this.#chunks.length >= maximumPieces) this.#chunks = [Buffer.concat(this.#chunks)];
      if (this.#size <= memoryLimit) return true;
      this.#stream = createWriteStream(this.#path, { flags: 'wx', mode: 0o600, highWaterMark: 1024 * 1024 });
      this.#stream.on('error', (error) => (this.#failure = error));
      const chunks = this.#chunks;
      this.#chunks = [];
      this.#checkDisk();
      return this.#stream.write(Buffer.concat(chunks));
    }
    if (this.#size - this.#checkedAt >= checkEvery) this.#checkDisk();
    return this.#stream.write(chunk);
  }

  /** An endless body must not fill the disk: found out while the body is written, and told by `drained` or `finish`. */
  #checkDisk(): void {
    this.#checkedAt = this.#size;
    statfs(this.directory).then(
      ({ bavail, bsize }) => {
        if (bavail * bsize < this.reserve) this.#stream?.destroy(new Error('the disk of the spool is nearly full'));
      },
      (error: unknown) => this.#stream?.destroy(error as Error),
    );
  }

  /** Rejects when the disk does not take it. */
  async drained(): Promise<void> {
    if (this.#stream?.writableNeedDrain === true && this.#failure === undefined) await once(this.#stream, 'drain');
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Everything is written; may be asked again. Rejects when the disk did not take it. */
  async finish(): Promise<{ readonly bytes: Buffer | undefined; readonly file: string | undefined }> {
    if (this.#handle !== undefined) return { bytes: undefined, file: this.#path };
    if (this.#stream === undefined) return { bytes: this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks), file: undefined };
    if (this.#failure !== undefined) throw this.#failure;
    this.#stream.end();
    await finished(this.#stream);
    // Kept open so that the body can still be read when the blob store has renamed the file.
    this.#handle = await open(this.#path, 'r');
    return { bytes: undefined, file: this.#path };
  }

  /** After `finish`: the body as a stream; also when the file has been renamed since. */
  read(): Readable {
    if (this.#handle === undefined) return Readable.from(this.#chunks, { objectMode: false });
    return this.#handle.createReadStream({ start: 0, autoClose: false, highWaterMark: 256 * 1024 });
  }

  /** Frees memory and descriptors, and removes the file unless it was renamed away. */
  async discard(): Promise<void> {
    this.#chunks = [];
    if (this.#stream === undefined) return;
    this.#stream.destroy();
    // A file that is still being opened would appear behind its removal.
    if (!this.#stream.closed) await once(this.#stream, 'close').catch(() => undefined);
    await this.#handle?.close();
    await rm(this.#path, { force: true });
  }
}
