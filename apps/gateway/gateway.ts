import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import fastifyStatic from '@fastify/static';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { METRICS } from './gateway-tokens.js';
import { GatewayModule } from './gateway-module.js';
import type { GatewayModuleOptions } from './gateway-module.js';
import { nestLogger } from './gateway-logger.js';
import { answerClientError } from './http/client-error.js';
import { answerError } from './http/error-answer.js';
import { listenGateway } from './http/listen-gateway.js';
import type { Gateway } from './http/listen-gateway.js';
import type { GatewayMetrics } from './metrics/gateway-metrics.js';

export interface GatewayOptions extends GatewayModuleOptions {
  /** How long a client may take to send a request, or leave an answer unread; 30 s as in fetch-service. */
  readonly clientMilliseconds?: number;
}

const bodyLimit = 1024 * 1024;
const headLimit = 16 * 1024;

/** Errors: `port-in-use`. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { tls } = options.dependencies.access;
  const serverOptions = {
    maxHeaderSize: headLimit,
    requestTimeout: options.clientMilliseconds ?? 30_000,
    headersTimeout: options.clientMilliseconds ?? 30_000,
    connectionsCheckingInterval: Math.min(1000, options.clientMilliseconds ?? 1000),
  };
  const adapter = new FastifyAdapter({
    bodyLimit,
    requestTimeout: serverOptions.requestTimeout,
    connectionTimeout: serverOptions.requestTimeout,
    forceCloseConnections: true,
    ...(tls === undefined ? { http: serverOptions } : { https: { ...serverOptions, ...tls.options, handshakeTimeout: serverOptions.requestTimeout } }),
    clientErrorHandler: answerClientError,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => answerError(error, { request, reply, log: options.log }),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule.with(options), adapter, { bodyParser: false, logger: nestLogger(options.log), abortOnError: false });
  const fastify = adapter.getInstance<FastifyInstance>();
  acceptAnyBody(fastify);
  await fastify.register(fastifyStatic, { serve: false, setHeaders: keepRangeOfParts });
  observe(fastify, { metrics: app.get<GatewayMetrics>(METRICS), log: options.log });
  return listenGateway({ app, fastify, settings: options.settings, serverOptions, tls });
}

/** See `sendFile` of composes. */
function keepRangeOfParts(reply: FastifyReply): void {
  if (reply.statusCode !== 206) void reply.removeHeader('content-range');
}

/** Every body reaches the controllers as bytes, whatever media type it claims: fetch-service's clients send JSON as form data. */
function acceptAnyBody(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.headers['content-type'] !== undefined) request.raw.headers['content-type'] = 'application/octet-stream';
    void reply.headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
    // ODCS lets pages of any site read; `OwnPagesOnly` keeps them from more.
    if (/^\/api\/1(?:[/?]|$)/.test(request.url) && ['GET', 'HEAD', 'OPTIONS'].includes(request.method)) void reply.headers({ 'access-control-allow-origin': '*', 'access-control-expose-headers': 'ETag, Retry-After' });
    done();
  });
}

function observe(fastify: FastifyInstance, { metrics, log }: { readonly metrics: GatewayMetrics; readonly log: Logger }): void {
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
    metrics.requestSeconds.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    log.debug({ method: request.method, route, status: reply.statusCode, milliseconds: Math.round(reply.elapsedTime) }, 'answered');
    done();
  });
}
