/** One kind of load, the same for every proxy. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Path at the origin. */
  readonly path: string;
  /** Bytes of one response body. */
  readonly bodyBytes: number;
  readonly clients: number;
  /** A new connection, CONNECT and two TLS handshakes for each request. */
  readonly newConnections: boolean;
}

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

export const scenarios: readonly Scenario[] = [
  // First, while the processes are as they started.
  { name: 'memory', title: 'one download of 1 GiB', path: '/huge', bodyBytes: 1024 * mebibyte, clients: 1, newConnections: false },
  { name: 'small', title: '1 KiB, keep-alive, 50 clients', path: '/small', bodyBytes: kibibyte, clients: 50, newConnections: false },
  { name: 'connections', title: '1 KiB, a new TLS connection each, 50 clients', path: '/small', bodyBytes: kibibyte, clients: 50, newConnections: true },
  { name: 'large', title: '1 MiB, keep-alive, 8 clients', path: '/large', bodyBytes: mebibyte, clients: 8, newConnections: false },
];
