import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { choosePort } from '../embedded/free-port.js';
import { serverProcess } from './server-process.js';

export interface S3Server {
  /** `http://127.0.0.1:…` */
  readonly endpoint: string;
  /** Where the objects of a bucket are as files: what a browser of the directory sees. */
  directoryOf(bucket: string): string;
  makeBucket(bucket: string): void;
  /** As `kill -9`; the same directory and port are served again by `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** What its user signs with from now on; the server is started anew. */
  rotateKeys(keys: Record<keyof typeof s3Credentials, string>): Promise<void>;
}

/** Of the server's only user; specs put them into the environment that the SDK reads. */
export const s3Credentials = { AWS_ACCESS_KEY_ID: 'millrace-test', AWS_SECRET_ACCESS_KEY: 'not-a-secret' } as const;

/** The same, as a store reads them. */
export const s3Keys = (): Promise<{ accessKeyId: string; secretAccessKey: string }> => Promise.resolve({ accessKeyId: s3Credentials.AWS_ACCESS_KEY_ID, secretAccessKey: s3Credentials.AWS_SECRET_ACCESS_KEY });

/** A real S3 server (versitygw) on a directory. `npm test` finds or makes the program and names it in MILLRACE_TEST_S3. */
export async function startS3Server(directory: string): Promise<S3Server> {
  const command = process.env['MILLRACE_TEST_S3'];
  if (command === undefined) throw new Error('MILLRACE_TEST_S3 is not set: run npm test, which finds or makes an S3 server');
  mkdirSync(directory, { recursive: true });
  // Not named like the directory with an ending: the server takes that for a place inside it.
  const metadata = path.join(path.dirname(directory), `metadata-of-${path.basename(directory)}`);
  const port = await choosePort('127.0.0.1');
  const endpoint = `http://127.0.0.1:${port}`;
  mkdirSync(metadata, { recursive: true });
  const processWith = (keys: Record<keyof typeof s3Credentials, string>): ReturnType<typeof serverProcess> =>
    serverProcess({
      name: 'the S3 server',
      command,
      arguments: ['--port', `127.0.0.1:${port}`, '--access', keys.AWS_ACCESS_KEY_ID, '--secret', keys.AWS_SECRET_ACCESS_KEY, '--quiet', '--keep-alive', 'posix', '--sidecar', metadata, directory],
      log: `${metadata}.log`,
      answers: () => answers(endpoint),
    });
  let gateway = processWith(s3Credentials);
  await gateway.start();
  return {
    endpoint,
    directoryOf: (bucket) => path.join(directory, bucket),
    makeBucket: (bucket) => void mkdirSync(path.join(directory, bucket), { recursive: true }),
    kill: () => gateway.kill(),
    start: () => gateway.start(),
    async rotateKeys(keys) {
      await gateway.kill();
      gateway = processWith(keys);
      await gateway.start();
    },
  };
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(1000) });
    return true;
  } catch {
    return false;
  }
}
