import { Readable } from 'node:stream';

/** The stream as `pass` gives its chunks on. Whoever gives up the new one gives up the old one, also before anything was read. */
export function passThrough(content: Readable, pass: (chunks: AsyncIterable<Buffer>) => AsyncGenerator<Buffer>): Readable {
  const passed = Readable.from(pass(content as AsyncIterable<Buffer>), { objectMode: false });
  // A stream that nobody has begun to read does not run its generator, which would end the connection.
  passed.once('close', () => content.destroy());
  content.once('error', () => undefined); // told by the generator to whoever reads
  return passed;
}
