import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { choosePort } from '../embedded/free-port.js';

export interface S3Server {
  /** `http://127.0.0.1:…` */
  readonly endpoint: string;
  /** Where the objects of a bucket are as files: what a browser of the directory sees. */
  directoryOf(bucket: string): string;
  makeBucket(bucket: string): void;
  /** As `kill -9`; the same directory and port are served again by `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** Of the server's only user; specs put them into the environment that the SDK reads. */
export const s3Credentials = { AWS_ACCESS_KEY_ID: 'millrace-test', AWS_SECRET_ACCESS_KEY: 'not-a-secret' } as const;

/** A real S3 server (versitygw) on a directory. `npm test` finds or makes the program and names it in MILLRACE_TEST_S3. */
export async function startS3Server(directory: string): Promise<S3Server> {
  const command = process.env['MILLRACE_TEST_S3'];
  if (command === undefined) throw new Error('MILLRACE_TEST_S3 is not set: run npm test, which finds or makes an S3 server');
  mkdirSync(directory, { recursive: true });
  // Not named like the directory with an ending: the server takes that for a place inside it.
  const metadata = path.join(path.dirname(directory), `metadata-of-${path.basename(directory)}`);
  const port = await choosePort('127.0.0.1');
  const endpoint = `http://127.0.0.1:${port}`;
  let child: ReturnType<typeof spawn> | undefined;

  const server: S3Server = {
    endpoint,
    directoryOf: (bucket) => path.join(directory, bucket),
    makeBucket: (bucket) => void mkdirSync(path.join(directory, bucket), { recursive: true }),
    async kill() {
      const running = child;
      child = undefined;
      if (running === undefined || running.exitCode !== null) return;
      const gone = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGKILL');
      await gone;
    },
    async start() {
      const parameters = ['--port', `127.0.0.1:${port}`, '--access', s3Credentials.AWS_ACCESS_KEY_ID, '--secret', s3Credentials.AWS_SECRET_ACCESS_KEY, '--quiet', '--keep-alive', 'posix', '--sidecar', metadata, directory];
      mkdirSync(metadata, { recursive: true });
      const starting = spawn(command, parameters, { stdio: 'ignore' });
      child = starting;
      for (let tries = 0; tries < 200; tries += 1) {
        if (starting.exitCode !== null) throw new Error(`the S3 server ended with ${starting.exitCode}`);
        if (await answers(endpoint)) return;
        await pause(50);
      }
      throw new Error('the S3 server does not answer');
    },
  };
  await server.start();
  return server;
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(1000) });
    return true;
  } catch {
    return false;
  }
}
