import type { Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { protoPath as healthProto } from 'grpc-health-check';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const protos = fileURLToPath(new URL('../../../libs/remote-apis/protos', import.meta.url));
const files = [
  'build/bazel/remote/execution/v2/remote_execution.proto',
  'build/bazel/remote/asset/v1/remote_asset.proto',
  'google/bytestream/bytestream.proto',
  'buildstream/v2/buildstream.proto',
  'buildstream/v2/artifact.proto',
  'buildstream/v2/source.proto',
];

/** Tells clients like grpcurl which of these services there are, and what their messages look like. */
export function addReflection(server: Server, services: readonly string[]): void {
  const definition = loadSync([...files, healthProto], { includeDirs: [protos, path.dirname(healthProto)] });
  new ReflectionService(definition, { services: [...services] }).addToServer(server);
}
