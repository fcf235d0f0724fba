import { createHash } from 'node:crypto';
import { copyFileSync, createReadStream, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { readXmlRpc } from '../koji/read-xml-rpc.js';
import type { RpcMessage, RpcValue } from '../koji/rpc-value.js';
import { writeXmlRpc } from '../koji/write-xml-rpc.js';
import { readIdentity } from '../rpm/package/package-details.js';
import { readPackageFile } from '../rpm/package/package-file.js';
import { signatureTag, tag as headerTag } from '../rpm/package/tags.js';
import { answerKojiCall } from './fake-koji-calls.js';
import type { FakeBuild, FakeKojiState, FakeRpm } from './fake-koji-state.js';
import { fakeModulemd, type FakeModuleBuild } from './fake-mbs.js';
import { addScratchBuild, removeTaskFiles, type ScratchOptions } from './fake-scratch-builds.js';
import { KojiFault } from './koji-fault.js';

/** A fake of a Koji hub: XML-RPC over a socket, answers in the shapes that a real hub was recorded with, package files in Koji's layout. No database, no logins. */
export interface FakeKojiHub extends AsyncDisposable {
  /** Of the XML-RPC service. */
  readonly url: string;
  /** Of the directory, without a slash at its end. */
  readonly topUrl: string;
  /** Methods and files that were asked for, calls in a multiCall each for itself. */
  readonly asked: string[];
  /** Takes requests away from the hub while it is set. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  readonly lastEvent: number;
  addTag(name: string, ...parents: readonly string[]): void;
  /** Copies the files of one source package and what was built of it into the volume. Answers the name-version-release. */
  addBuild(...files: readonly string[]): Promise<string>;
  /** The build that stands for one of a module: its documents are put into the volume. `content`: the tag that has its packages. Answers the name-version-release. */
  addModule(module: FakeModuleBuild, options: { readonly content: string; readonly documents: Readonly<Record<string, string>> }): string;
  tag(tag: string, nvr: string): void;
  untag(tag: string, nvr: string): void;
  deleteBuild(nvr: string): void;
  /** To `vol/<volume>/`; unlike Koji, without leaving a link where it was. */
  moveBuild(nvr: string, volume: string): void;
  /** A build task with one for each architecture: the files of each are copied into the volume. Answers the id of the build task. */
  addScratchBuild(archFiles: Readonly<Record<string, readonly string[]>>, options?: ScratchOptions): number;
  /** As Koji does after some time: the tasks stay. */
  removeTaskFiles(task: number): void;
  /** Makes no event, as in Koji. Without `sign`, the hub knows of signatures that no file in the volume has. */
  addSignatures(nvr: string, key: string, sign?: (...files: readonly string[]) => void): void;
}

/** `directory`: Koji's top directory, which need not exist. */
export async function startFakeKojiHub(directory: string): Promise<FakeKojiHub> {
  mkdirSync(directory, { recursive: true });
  const state: FakeKojiState = { event: 1, tags: [], builds: [], taggings: [], tasks: [] };
  const asked: string[] = [];
  const server = createServer((request, response) => {
    if (hub.instead !== undefined) return hub.instead(request, response);
    if (request.method === 'POST' && request.url === '/kojihub') return void answerCall(request, response);
    serveFile(request, response);
  });

  async function answerCall(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = writeXmlRpc(await answerTo(request));
    response.writeHead(200, { 'content-type': 'text/xml', 'koji-version': '1.35.3' }).end(body);
  }

  async function answerTo(request: IncomingMessage): Promise<RpcMessage> {
    try {
      const call = await readXmlRpc(request);
      if (call.kind !== 'call') throw new KojiFault(1, 'no call');
      return { kind: 'answer', value: answer(call.method, call.params) };
    } catch (error) {
      return error instanceof KojiFault ? { kind: 'fault', code: error.code, text: error.message } : { kind: 'fault', code: 1, text: String(error) };
    }
  }

  function answer(method: string, params: readonly RpcValue[]): RpcValue {
    if (method !== 'multiCall') {
      asked.push(method);
      return answerKojiCall(state, method, params);
    }
    return (params[0] as readonly { readonly methodName: string; readonly params: readonly RpcValue[] }[]).map((call) => {
      try {
        return [answer(call.methodName, call.params)];
      } catch (error) {
        if (!(error instanceof KojiFault)) throw error;
        return { faultCode: error.code, faultString: error.message, traceback: ['Traceback (most recent call last):\n'] };
      }
    });
  }

  function serveFile(request: IncomingMessage, response: ServerResponse): void {
    const place = decodeURIComponent(new URL(request.url ?? '/', 'http://loopback').pathname);
    asked.push(place);
    const file = path.join(directory, path.normalize(place.replace(/^\/files/, '')));
    if (!place.startsWith('/files/') || statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return void response.writeHead(404).end();
    response.end(readFileSync(file));
  }

  const buildOf = (nvr: string): FakeBuild => state.builds.find((build) => build.nvr === nvr) as FakeBuild;
  const tagId = (name: string): number => state.tags.find((tag) => tag.name === name)?.id as number;
  const placeOf = ({ name, version, release, volume }: FakeBuild): string => path.join(directory, ...(volume === 'DEFAULT' ? [] : ['vol', volume]), 'packages', name, version, release);
  const fileOf = (build: FakeBuild, rpm: FakeRpm, ...below: readonly string[]): string =>
    path.join(placeOf(build), ...below, rpm.arch, `${rpm.name}-${rpm.version}-${rpm.release}.${rpm.arch}.rpm`);

  const hub: FakeKojiHub = {
    url: '',
    topUrl: '',
    asked,
    instead: undefined,
    get lastEvent() {
      return state.event;
    },
    addTag(name, ...parents) {
      state.event += 1;
      state.tags.push({ id: state.tags.length + 1, name, parents: parents.map(tagId), since: state.event });
    },
    async addBuild(...files) {
      const rpms = await Promise.all(files.map(readRpm));
      const source = rpms.find(({ arch }) => arch === 'src') as FakeRpm;
      const { name, version, release, epoch } = source;
      const first = state.builds.reduce((count, build) => count + build.rpms.length, 0) + 1;
      const build: FakeBuild = { id: state.builds.length + 1, name, version, release, epoch, nvr: `${name}-${version}-${release}`, state: 1, volume: 'DEFAULT', rpms: rpms.map((rpm, index) => ({ ...rpm, id: first + index })) };
      state.event += 1;
      state.builds.push(build);
      for (const [index, rpm] of build.rpms.entries()) copyInto(files[index] as string, fileOf(build, rpm));
      return build.nvr;
    },
    addModule(module, { content, documents }) {
      const { name, stream, version, context = '00000000' } = module;
      const source = fakeModulemd(module);
      const release = `${version}.${context}`;
      const underscored = stream.replaceAll('-', '_');
      const build = { id: state.builds.length + 1, name, version: underscored, release, epoch: 0, nvr: `${name}-${underscored}-${release}`, state: 1, volume: 'DEFAULT', rpms: [] };
      const archives = Object.entries({ '': source, ...documents }).map(([arch, text]) => {
        const filename = arch === '' ? 'modulemd.txt' : `modulemd.${arch}.txt`;
        const file = path.join(placeOf(build), 'files', 'module', filename);
        mkdirSync(path.dirname(file), { recursive: true });
        writeFileSync(file, text);
        return { filename, size: Buffer.byteLength(text), md5: createHash('md5').update(text).digest('hex') };
      });
      state.event += 1;
      state.builds.push({ ...build, module: { typeInfo: { module_build_service_id: build.id, content_koji_tag: content, modulemd_str: source, name, stream, version, context }, archives } });
      return build.nvr;
    },
    tag(tag, nvr) {
      state.event += 1;
      state.taggings.push({ tag: tagId(tag), build: buildOf(nvr).id, since: state.event, until: null });
    },
    untag(tag, nvr) {
      state.event += 1;
      const [id, build] = [tagId(tag), buildOf(nvr).id];
      for (const tagging of state.taggings) if (tagging.tag === id && tagging.build === build && tagging.until === null) tagging.until = state.event;
    },
    deleteBuild(nvr) {
      state.event += 1;
      buildOf(nvr).state = 2;
    },
    moveBuild(nvr, volume) {
      state.event += 1;
      const build = buildOf(nvr);
      const from = placeOf(build);
      build.volume = volume;
      mkdirSync(path.dirname(placeOf(build)), { recursive: true });
      renameSync(from, placeOf(build));
    },
    addScratchBuild: (archFiles, scratch) => addScratchBuild(state.tasks, { top: directory, archFiles, ...scratch }),
    removeTaskFiles: (task) => removeTaskFiles(state.tasks, { top: directory, task }),
    addSignatures(nvr, key, sign) {
      const build = buildOf(nvr);
      const id = key.slice(-8).toLowerCase();
      for (const rpm of build.rpms) rpm.sigkeys.push(id);
      if (sign === undefined) return;
      const copies = build.rpms.map((rpm) => {
        const copy = fileOf(build, rpm, 'data', 'signed', id);
        copyInto(fileOf(build, rpm), copy);
        return copy;
      });
      sign(...copies);
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.defineProperties(hub, { url: { value: `${origin}/kojihub` }, topUrl: { value: `${origin}/files` } });
}

function copyInto(from: string, to: string): void {
  mkdirSync(path.dirname(to), { recursive: true });
  copyFileSync(from, to);
}

async function readRpm(file: string): Promise<FakeRpm> {
  const { head } = await readPackageFile(createReadStream(file));
  const md5 = head.signature.bytes(signatureTag.md5);
  return { id: 0, ...readIdentity(head.header), size: statSync(file).size, payloadhash: md5?.toString('hex') ?? '', buildtime: head.header.numbers(headerTag.buildTime)[0] ?? 0, sigkeys: [] };
}
