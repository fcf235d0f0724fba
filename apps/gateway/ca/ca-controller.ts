import { Controller, Get, Inject, Res, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Public } from '../access/needs.js';
import type { AuthorityCertificate } from '../gateway-ports.js';
import { AUTHORITY } from '../gateway-tokens.js';

/** A CA certificate is public, so these ask for no credentials. */
@Controller('v1')
@Public()
export class CaController {
  constructor(@Inject(AUTHORITY) private readonly ca: AuthorityCertificate) {}

  @Get('ca.pem')
  async pem(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const pem = await this.ca.pem();
    void reply.type('application/x-pem-file');
    return pem;
  }

  @Get('ca.p12')
  async pkcs12(@Res({ passthrough: true }) reply: FastifyReply): Promise<StreamableFile> {
    const bytes = await this.ca.pkcs12();
    void reply.header('content-disposition', 'attachment; filename="millrace-ca.p12"');
    return new StreamableFile(bytes, { type: 'application/x-pkcs12', length: bytes.length });
  }

  @Get('ca.jks')
  async jks(@Res({ passthrough: true }) reply: FastifyReply): Promise<StreamableFile> {
    const bytes = await this.ca.jks();
    void reply.header('content-disposition', 'attachment; filename="millrace-ca.jks"');
    return new StreamableFile(bytes, { type: 'application/x-java-keystore', length: bytes.length });
  }
}
