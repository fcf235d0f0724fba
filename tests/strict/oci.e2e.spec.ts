import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildSampleImage, type SampleBlob } from '../../libs/inspectors/oci/__fixtures__/sample-image.js';
import { keyIdOf, pem, signImage, type SampleSignature } from '../../libs/inspectors/oci/__fixtures__/sample-signature.js';
import type { ClientService } from '../clients/client-service.js';
import { describeClient } from '../clients/describe-client.js';
import { startOrigin } from '../clients/loopback-origin.js';
import type { LoopbackOrigin } from '../clients/loopback-origin.js';
import { runInSession } from '../clients/run-in-session.js';
import type { SessionReport } from '../clients/session-report.js';
import { summaries } from '../clients/session-report.js';
import { nameOrigin, type NamedOrigin } from './named-origin.js';
import { recordVerdict } from './record-verdict.js';

const image = buildSampleImage();
const token = 'sample-bearer-token-0123456789';
const repository = 'mill/sample';

/** The same bytes but for one, under the digest and type of the honest ones. */
function tamper(blob: SampleBlob, find: string): SampleBlob {
  const bytes = Buffer.from(blob.bytes);
  const offset = find === '' ? bytes.length - 20 : bytes.indexOf(find);
  bytes[offset] = (bytes[offset] as number) ^ 1;
  return { ...blob, bytes };
}

interface ServedBlobs {
  readonly layer?: SampleBlob;
  readonly index?: SampleBlob;
  readonly signature?: SampleSignature;
}

interface Registry {
  /** The honest image, but for what is given. */
  readonly serve: (blobs?: ServedBlobs) => void;
  readonly named: () => NamedOrigin;
}

/** A registry for the specs of one client. As public registries do, it answers 401 with the realm of a token first, and blobs with a redirect to storage. */
function useRegistry(service: () => ClientService): Registry {
  let served: Readonly<Record<string, SampleBlob>> = {};
  let origin: LoopbackOrigin | undefined;
  let name: NamedOrigin | undefined;
  const named = (): NamedOrigin => {
    if (name === undefined) throw new Error('the registry did not start');
    return name;
  };
  beforeAll(async () => {
    origin = await startOrigin(service(), 'http', (request, response) => {
      const { pathname } = new URL(request.url ?? '', 'http://registry.example');
      const blob = served[pathname.slice(`/v2/${repository}`.length)];
      const stored = served[`/blobs/${pathname.slice('/storage/'.length)}`];
      if (pathname.startsWith('/storage/') && stored !== undefined) {
        response.end(stored.bytes);
      } else if (pathname === '/realm/token') {
        response.end(JSON.stringify({ token, expires_in: 300 }));
      } else if (request.headers.authorization !== `Bearer ${token}`) {
        const challenge = `Bearer realm="http://${named().authority}/realm/token",service="registry.example",scope="repository:${repository}:pull"`;
        response
          .writeHead(401, { 'www-authenticate': challenge, 'docker-distribution-api-version': 'registry/2.0' })
          .end('{"errors":[{"code":"UNAUTHORIZED"}]}');
      } else if (blob === undefined) {
        response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
      } else if (pathname.includes('/blobs/')) {
        response.writeHead(307, { location: `/storage/${blob.digest}?signature=1234` }).end();
      } else {
        response.writeHead(200, { 'content-type': blob.mediaType, 'content-length': blob.bytes.length }).end(blob.bytes);
      }
    });
    name = await nameOrigin(service(), origin);
  });
  afterAll(() => Promise.all([name?.close(), origin?.close()]));
  const serve = ({ layer = image.layer, index = image.index, signature }: ServedBlobs = {}): void => {
    served = {
      '/manifests/1.0': index,
      [`/manifests/${image.index.digest}`]: index,
      [`/manifests/${image.manifest.digest}`]: image.manifest,
      [`/blobs/${image.config.digest}`]: image.config,
      [`/blobs/${image.layer.digest}`]: layer,
      ...(signature === undefined
        ? {}
        : { [`/manifests/${image.index.digest.replace(':', '-')}.sig`]: signature.manifest, [`/blobs/${signature.payload.digest}`]: signature.payload }),
    };
  };
  return { serve, named };
}

/** Clients want to know which signatures they must check: none. */
function writePolicy(directory: string): string {
  const file = path.join(directory, 'policy.json');
  writeFileSync(file, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  return file;
}

function digestOf({ digest }: SampleBlob): string {
  return digest.replace('sha256:', '');
}

const plainLayer = 'an image by tag, with index, bearer token and one layer';
const changedLayer = 'an image whose layer was changed by one byte';

describeClient('skopeo', ({ service, directory }) => {
  const { serve, named } = useRegistry(service);

  async function copy(reference: string, exitCode: 0 | 'not 0', options: readonly string[] = []): Promise<{ report: SessionReport; target: string }> {
    const build = directory();
    const target = path.join(build, 'image');
    const platform = ['--override-arch', 'amd64', '--override-os', 'linux'];
    const copying = ['copy', '--src-tls-verify=false', ...platform, `docker://${named().authority}/${repository}${reference}`, `dir:${target}`];
    const command = [...named().wrapper, 'skopeo', '--policy', writePolicy(build), ...copying];
    const { report } = await runInSession(service(), {
      policy: 'strict',
      options,
      exitCode,
      directory: build,
      command,
      environment: { HOME: build, XDG_RUNTIME_DIR: build },
    });
    return { report, target };
  }

  it('copies an image by its tag in a strict session', async () => {
    serve();
    const { report, target } = await copy(':1.0', 0);
    expect(readFileSync(path.join(target, digestOf(image.layer)))).toEqual(image.layer.bytes);
    expect(summaries(report)).toEqual(
      [
        'application/x.oci.token Approved',
        `${image.index.mediaType} ${repository} 1.0 Approved`,
        `${image.manifest.mediaType} ${repository} ${image.manifest.digest} Approved`,
        `${image.config.mediaType} ${repository} ${image.config.digest} Approved`,
        `${image.layer.mediaType} ${repository} ${image.layer.digest} Approved`,
      ].sort(),
    );
    expect(JSON.stringify(report)).not.toContain(token);
    recordVerdict({ ecosystem: 'oci', client: 'skopeo copy', build: plainLayer, verdict: 'passes' });
  }, 120_000);

  it('gets no layer in a strict session that differs in one byte', async () => {
    serve({ layer: tamper(image.layer, '') });
    const { report, target } = await copy(':1.0', 'not 0');
    const reason = "the blob's digest is sha256:";
    expect(report['refused-requests']).toContainEqual(expect.objectContaining({ rule: 'verdict', reason: expect.stringContaining(reason) }));
    expect(existsSync(path.join(target, digestOf(image.layer)))).toBe(false);
    recordVerdict({ ecosystem: 'oci', client: 'skopeo copy', build: changedLayer, verdict: 'refused', reason: "the blob's digest is not the one in its URL" });
  }, 120_000);

  it('gets no manifest by digest in a strict session that differs in one byte', async () => {
    serve({ index: tamper(image.index, 'amd64') });
    const { report } = await copy(`@${image.index.digest}`, 'not 0');
    expect(report['refused-requests']).toContainEqual(
      expect.objectContaining({ rule: 'verdict', reason: expect.stringContaining("the manifest's digest is sha256:") }),
    );
    recordVerdict({
      ecosystem: 'oci',
      client: 'skopeo copy',
      build: 'an image by digest whose index was changed by one byte',
      verdict: 'refused',
      reason: "the manifest's digest is not the one in its URL",
    });
  }, 120_000);

  it('knows who signed an image, and all that it declares, by a configured key', async () => {
    const signers = [generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('ec', { namedCurve: 'P-256' })] as const;
    const configuration = path.join(directory(), 'inspectors.json');
    writeFileSync(configuration, JSON.stringify({ oci: { 'public-key': pem(signers[0].publicKey) } }));
    const types = [image.index, image.manifest, image.config, image.layer].map(({ mediaType }) => mediaType);
    const signedBy = async (key: (typeof signers)[number]): Promise<unknown[]> => {
      serve({ signature: signImage(image.index.digest, key.privateKey) });
      const { report } = await copy(':1.0', 0, ['--inspectors-configuration', configuration]);
      const told = new Map(report.artifacts.map(({ metadata, ...rest }) => [`${metadata.type} ${rest.downloads[0]?.url.includes('.sig')}`, metadata]));
      return types.map((type) => (told.get(`${type} false`) as { 'signed-by'?: string } | undefined)?.['signed-by']);
    };
    const id = keyIdOf(signers[0].publicKey);
    expect(await signedBy(signers[0])).toEqual([id, id, id, id]);
    expect(await signedBy(signers[1])).toEqual([undefined, undefined, undefined, undefined]);
    recordVerdict({ ecosystem: 'oci', client: 'skopeo copy', build: 'an image that cosign signed, with the key configured', verdict: 'passes' });
  }, 120_000);
});

describeClient('buildah', ({ service, directory }) => {
  const { serve, named } = useRegistry(service);

  async function pull(exitCode: 0 | 'not 0'): Promise<{ report: SessionReport; stdout: string }> {
    const build = directory();
    const storage = ['--root', path.join(build, 'root'), '--runroot', path.join(build, 'runroot'), '--storage-driver', 'vfs'];
    const pulling = [
      'pull',
      '--tls-verify=false',
      '--signature-policy',
      writePolicy(build),
      '--arch',
      'amd64',
      '--os',
      'linux',
      `docker://${named().authority}/${repository}:1.0`,
    ];
    const command = [...named().wrapper, 'buildah', ...storage, ...pulling];
    return runInSession(service(), { policy: 'strict', exitCode, directory: build, command, environment: { HOME: build } });
  }

  it('pulls an image in a strict session', async () => {
    serve();
    const { report, stdout } = await pull(0);
    expect(stdout.trim()).toBe(digestOf(image.config));
    expect(summaries(report).filter((line) => !line.endsWith(' Approved'))).toEqual([]);
    recordVerdict({ ecosystem: 'oci', client: 'buildah pull', build: plainLayer, verdict: 'passes' });
  }, 120_000);

  it('gets no layer in a strict session that differs in one byte', async () => {
    serve({ layer: tamper(image.layer, '') });
    const { report } = await pull('not 0');
    expect(report['refused-requests']).toContainEqual(
      expect.objectContaining({ rule: 'verdict', reason: expect.stringContaining("the blob's digest is sha256:") }),
    );
    recordVerdict({ ecosystem: 'oci', client: 'buildah pull', build: changedLayer, verdict: 'refused', reason: "the blob's digest is not the one in its URL" });
  }, 120_000);
});
