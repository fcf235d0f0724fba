import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { MillraceError, isMillraceError } from '../../../libs/errors/millrace-error.js';
import { findUpload } from '../../../libs/repository-record/find-upload.js';
import type { Upload } from '../../../libs/repository-record/repository-record.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { CLIENT_MILLISECONDS, REPOSITORIES, SETTINGS } from '../gateway-tokens.js';
import { validate } from '../http/parse-json-body.js';
import { uploadQuery, uuid } from './change-schemas.js';
import type { UploadView } from './change-schemas.js';
import { sha256OfFields } from './digest-fields.js';
import { paced } from './paced.js';
import { RepositoriesService } from './repositories-service.js';
import type { RepositoryDependencies } from './repository-ports.js';
import { UploadSlots } from './upload-slots.js';

const slotCount = 24;
/** Bytes that a client sends at least in the time that it has for any other request. */
const leastBytes = 16 * 1024;
/** The same while others wait for a place: a handful of clients that drip must not keep all of them. */
const leastWhileOthersWait = 512 * 1024;
const filesOfForm = 1000;

export interface UploadOptions {
  readonly by: string;
  readonly signal: AbortSignal;
}

/** Takes in package files as they arrive: nothing of them is kept here. */
@Injectable()
export class UploadsService {
  private readonly slots = new UploadSlots(slotCount);

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(REPOSITORIES) private readonly dependencies: RepositoryDependencies,
    @Inject(RepositoriesService) private readonly repositories: RepositoriesService,
    @Inject(CLIENT_MILLISECONDS) private readonly clientMilliseconds: number,
  ) {}

  async get(name: string, id: string): Promise<UploadView> {
    await this.repositories.find(name);
    const upload = uuid.safeParse(id).success ? await findUpload(this.dependencies.reads, id) : undefined;
    if (upload?.repository !== name) throw new MillraceError('upload-not-found', `the repository ${name} has no such upload`);
    return presentUpload(upload);
  }

  async discard(name: string, id: string, signal: AbortSignal): Promise<void> {
    await this.get(name, id);
    await this.dependencies.engine.discard(name, id, { signal });
  }

  /** One package, as the body of the request. */
  async receive(name: string, request: FastifyRequest, { by, signal }: UploadOptions): Promise<UploadView> {
    const { fileName = 'package', id = randomUUID() } = validate(uploadQuery, request.query);
    requireFileName(fileName);
    const sha256 = sha256OfFields(request.headers);
    const size = sizeOf(request.headers['content-length'], this.settings.packageBytes);
    await this.repositories.find(name);
    const known = await findUpload(this.dependencies.reads, id);
    if (known !== undefined) return presentUpload(sameUpload(known, { name, sha256, size }));
    const upload = await this.take(name, request.body as Readable, { id, fileName, by, signal, ...(sha256 === undefined ? {} : { sha256 }), ...(size === undefined ? {} : { size }) });
    return presentUpload(upload);
  }

  /** Every file of a form (`multipart/form-data`), one after the other as they come. */
  async receiveForm(name: string, request: FastifyRequest, { by, signal }: UploadOptions): Promise<readonly UploadView[]> {
    validate(uploadQuery.pick({}), request.query);
    await this.repositories.find(name);
    const uploads: UploadView[] = [];
    const limits = { files: filesOfForm, fields: 0, parts: filesOfForm, headerPairs: 32, fileSize: Infinity };
    try {
      for await (const part of request.parts({ limits })) {
        if (part.type !== 'file') throw new MillraceError('invalid-request', 'the form has a field that is no file', { suggestion: 'Send package files and nothing else.' });
        requireFileName(part.filename);
        uploads.push(presentUpload(await this.take(name, part.file, { id: randomUUID(), fileName: part.filename, by, signal })));
      }
    } catch (error) {
      throw asFormError(error);
    }
    if (uploads.length === 0) throw new MillraceError('invalid-request', 'the form has no files');
    return uploads;
  }

  private async take(name: string, body: Readable, options: { readonly id: string; readonly fileName: string; readonly by: string; readonly signal: AbortSignal; readonly size?: number; readonly sha256?: string }): Promise<Upload> {
    const leave = await this.slots.enter(options.signal);
    try {
      return await this.dependencies.engine.receive(name, paced(body, { milliseconds: this.clientMilliseconds, bytes: () => (this.slots.areWanted() ? leastWhileOthersWait : leastBytes) }), options);
    } finally {
      leave();
    }
  }
}

function presentUpload({ id, repository, fileName, sha256, size, by, uploadedAt, key }: Upload): UploadView {
  return { id, repository, fileName, sha256, size, by, uploadedAt, key };
}

/** It is in messages, logs and pages; where a package goes is said by the package itself. */
function requireFileName(fileName: string): void {
  if (fileName === '' || fileName.length > 255 || fileName.startsWith('.') || /[/\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(fileName)) {
    throw new MillraceError('invalid-request', 'fileName: must be the name of a file, without a path', { suggestion: 'Name the file as its package manager does, such as bash-5.2-1.x86_64.rpm.' });
  }
}

function sizeOf(header: string | undefined, most: number): number | undefined {
  if (header === undefined) return undefined;
  const size = Number(header);
  if (size === 0) throw new MillraceError('invalid-request', 'the body is empty', { suggestion: 'Send the package file as the body.' });
  if (size > most) throw new MillraceError('payload-too-large', `a package may have ${most} bytes, this one has ${size}`, { suggestion: 'MILLRACE_PACKAGE_BYTES is the limit.' });
  return size;
}

function sameUpload(known: Upload, { name, sha256, size }: { readonly name: string; readonly sha256: string | undefined; readonly size: number | undefined }): Upload {
  const same = known.repository === name && (sha256 === undefined || sha256 === known.sha256) && (size === undefined || size === known.size);
  if (!same) throw new MillraceError('idempotency-conflict', `the id ${known.id} is that of another upload`, { suggestion: 'Give each file an id of its own, or none.' });
  return known;
}

/** Errors of the parser of forms are about what the client has sent. */
function asFormError(error: unknown): unknown {
  const { code, statusCode } = error as { readonly code?: unknown; readonly statusCode?: unknown };
  const ours = isMillraceError(error) || typeof statusCode === 'number';
  if (ours && typeof code === 'string' && code.startsWith('FST_')) return new MillraceError('invalid-request', formErrors[code] ?? 'the form cannot be read', { cause: error });
  if (!ours && error instanceof Error && /multipart|boundary|part terminated|Malformed|Unexpected end/i.test(error.message)) return new MillraceError('invalid-request', 'the form cannot be read', { cause: error });
  return error;
}

const formErrors: Readonly<Record<string, string>> = {
  FST_FILES_LIMIT: `a form may have ${filesOfForm} files`,
  FST_PARTS_LIMIT: `a form may have ${filesOfForm} files`,
  FST_FIELDS_LIMIT: 'the form has a field that is no file',
};
