/** One cache under measurement. */
export interface CacheSubject {
  readonly name: string;
  readonly title: string;
  /** `host:port` of its gRPC port, without TLS. */
  readonly grpc: string;
  /** Base address of its HTTP cache, where it has one. */
  readonly http?: string;
  /** For its pushes, where it wants credentials. */
  readonly authorization?: string;
  /** Of the processes whose processor time and memory count: none for a peer that somebody else runs. */
  pids(of: 'grpc' | 'http'): readonly number[];
  databasePids(): readonly number[];
  stop(): Promise<void>;
}
