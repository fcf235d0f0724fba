export interface NginxOptions {
  /** For its pid and temporary files. */
  readonly folder: string;
  readonly files: string;
  readonly port: number;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** One worker that serves files over TLS on loopback, writes no log and never ends a connection by itself. */
export function nginxConfiguration(options: NginxOptions): string {
  const { folder } = options;
  const asRoot = process.getuid?.() === 0 ? 'user root;' : '';
  return `${asRoot}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  default_type application/octet-stream;
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  client_body_temp_path ${folder}/nginx-body;
  proxy_temp_path ${folder}/nginx-proxy;
  fastcgi_temp_path ${folder}/nginx-fastcgi;
  uwsgi_temp_path ${folder}/nginx-uwsgi;
  scgi_temp_path ${folder}/nginx-scgi;
  server {
    listen 127.0.0.1:${options.port} ssl backlog=1024;
    ssl_certificate ${options.certificateFile};
    ssl_certificate_key ${options.keyFile};
    ssl_session_cache shared:bench:10m;
    root ${options.files};
  }
}
`;
}
