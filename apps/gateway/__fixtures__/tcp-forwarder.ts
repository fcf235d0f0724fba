import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** Stands between the gateway and a server that many specs share, so that this one server can go away for one gateway alone. */
export class TcpForwarder {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  private mode: 'forward' | 'swallow' = 'forward';
  port = 0;

  constructor(private readonly target: { readonly host: string; readonly port: number }) {}

  async start(): Promise<void> {
    this.mode = 'forward';
    this.server = createServer((client) => this.forward(client));
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** As when the process is killed: connections break, new ones are refused. */
  async kill(): Promise<void> {
    const server = this.server;
    if (server === undefined) return;
    this.server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** As when the machine hangs: connections stay and nothing passes. */
  swallow(): void {
    this.mode = 'swallow';
    for (const socket of this.sockets) socket.pause();
  }

  private forward(client: Socket): void {
    const upstream = connect(this.target);
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      this.sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.on('data', (chunk: Buffer) => {
        if (this.mode === 'forward') to.write(chunk);
      });
    }
  }
}
