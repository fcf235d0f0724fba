import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import fastifyStatic from '@fastify/static';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { METRICS } from './gateway-tokens.js';
import { GatewayModule, usualClientMilliseconds } from './gateway-module.js';
import type { GatewayModuleOptions } from './gateway-module.js';
import { nestLogger } from './gateway-logger.js';
import { answerClientError } from './http/client-error.js';
import { answerError } from './http/error-answer.js';
import { wantBody } from './http/expect-continue.js';
import { listenGateway } from './http/listen-gateway.js';
import type { Gateway } from './http/listen-gateway.js';
import { acceptStreamedBodies, bodyTypeOf, isStreamed } from './http/streamed-bodies.js';
import type { GatewayMetrics } from './metrics/gateway-metrics.js';

export type GatewayOptions = GatewayModuleOptions;

const bodyLimit = 1024 * 1024;
const headLimit = 16 * 1024;

/** Errors: `port-in-use`. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { tls } = options.dependencies.access;
  const { clientMilliseconds = usualClientMilliseconds } = options;
  // `limitRequests` does what `requestTimeout` would.
  const serverOptions = { maxHeaderSize: headLimit, requestTimeout: 0, headersTimeout: clientMilliseconds, connectionsCheckingInterval: Math.min(1000, clientMilliseconds) };
  const adapter = new FastifyAdapter({
    bodyLimit,
    requestTimeout: 0,
    connectionTimeout: clientMilliseconds,
    forceCloseConnections: true,
    ...(tls === undefined ? { http: serverOptions } : { https: { ...serverOptions, ...tls.options, handshakeTimeout: clientMilliseconds } }),
    clientErrorHandler: answerClientError,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => answerError(error, { request, reply, log: options.log }),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 2048 },
  });
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule.with(options), adapter, { bodyParser: false, logger: nestLogger(options.log), abortOnError: false });
  const fastify = adapter.getInstance<FastifyInstance>();
  acceptAnyBody(fastify);
  await acceptStreamedBodies(fastify);
  await fastify.register(fastifyStatic, { serve: false, setHeaders: keepRangeOfParts });
  observe(fastify, { metrics: app.get<GatewayMetrics>(METRICS), log: options.log });
  return listenGateway({ app, fastify, settings: options.settings, serverOptions, clientMilliseconds, tls });
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
    const type = bodyTypeOf(request);
    if (!isStreamed(request)) wantBody(request.raw, reply.raw);
    if (type !== undefined) request.raw.headers['content-type'] = type;
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
