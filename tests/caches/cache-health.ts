import { ChannelCredentials, loadPackageDefinition, type Client } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { ask } from '../../apps/cache/__fixtures__/test-clients.js';

interface HealthClient extends Client {
  check(request: { readonly service: string }, done: (error: never, answer: { readonly status: string }) => void): void;
}

export interface CacheHealth {
  check(service: string): Promise<string>;
  close(): void;
}

/** The health of a gRPC port, asked as load balancers do. */
export function healthOf(address: string): CacheHealth {
  const definition = loadPackageDefinition(loadSync(protoPath, { enums: String })) as unknown as { readonly grpc: { readonly health: { readonly v1: { readonly Health: new (address: string, credentials: ChannelCredentials) => HealthClient } } } };
  const client = new definition.grpc.health.v1.Health(address, ChannelCredentials.createInsecure());
  return { check: async (service) => (await ask<{ readonly status: string }>((done) => client.check({ service }, done))).status, close: () => client.close() };
}
