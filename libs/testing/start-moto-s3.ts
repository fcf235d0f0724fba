import path from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { choosePort } from '../embedded/free-port.js';
import { serverProcess } from './server-process.js';
import { s3Credentials } from './start-s3-server.js';

export interface MotoS3 {
  /** `http://127.0.0.1:…` */
  readonly endpoint: string;
  makeBucket(bucket: string): Promise<void>;
  kill(): Promise<void>;
}

/** S3 as moto (PyPI) speaks it: objects in memory, no signatures checked, and other answers than those of versitygw. `python`: one that has `moto[server]`. */
export async function startMotoS3(python: string, directory: string): Promise<MotoS3> {
  const port = await choosePort('127.0.0.1');
  const endpoint = `http://127.0.0.1:${port}`;
  const server = serverProcess({
    name: 'moto',
    command: python,
    arguments: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
    log: path.join(directory, 'moto.log'),
    answers: () => fetch(endpoint, { signal: AbortSignal.timeout(1000) }).then(
        () => true,
        () => false,
      ),
  });
  await server.start();
  return {
    endpoint,
    async makeBucket(bucket) {
      const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: s3Credentials.AWS_ACCESS_KEY_ID, secretAccessKey: s3Credentials.AWS_SECRET_ACCESS_KEY } });
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      client.destroy();
    },
    kill: () => server.kill(),
  };
}
