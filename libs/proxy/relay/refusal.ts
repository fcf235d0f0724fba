/** Answers that the proxy itself gives to the build: plain text with a reason that says what to do. */

const reasonPhrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  407: 'Proxy Authentication Required',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

export interface OwnAnswerOptions {
  readonly keepAlive: boolean;
  /** HEAD is answered without the text. */
  readonly method?: string;
}

/** A whole response of our own, ready to be written in latin1. */
export function ownAnswer(status: number, text: string, options: OwnAnswerOptions): string {
  const body = Buffer.from(`${text}\n`, 'utf8');
  let head = `HTTP/1.1 ${status} ${reasonPhrases[status] ?? 'Error'}\r\n`;
  if (status === 407) head += 'Proxy-Authenticate: Basic realm="fetch-service"\r\n';
  if (status === 407 || !options.keepAlive) head += 'Proxy-Connection: close\r\n';
  head += `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nMillrace-Refused: true\r\n`;
  head += options.keepAlive ? '\r\n' : 'Connection: close\r\n\r\n';
  return options.method === 'HEAD' ? head : head + body.toString('latin1');
}

/** Exactly what fetch-service answers; clients look for 407. */
export function authenticationRequired(): string {
  return ownAnswer(407, '407 Proxy Authentication Required', { keepAlive: false });
}
