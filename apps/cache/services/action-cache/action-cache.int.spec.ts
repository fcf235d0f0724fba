import { status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { Directory, GetActionResultRequest } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { ActionResult, RequestMetadata, Tree } from '../../../../libs/remote-apis/generated/build/bazel/remote/execution/v2/remote_execution.js';
import { ask, nobody, pusher, sha256 } from '../../__fixtures__/test-clients.js';
import { useTestCache } from '../../__fixtures__/use-test-cache.js';

const scene = useTestCache();

const emptyResult = ActionResult.decode(Buffer.alloc(0));

describe('results of actions', () => {
  it('are found as they were pushed, with who made them', async () => {
    const [output, log] = [randomBytes(100), Buffer.from('all is well\n')];
    await push(output, log);
    const result = resultWith({ outputFiles: [fileOf('out/program', output)], stdoutDigest: sha256(log), exitCode: 3 });
    const said = RequestMetadata.encode({ ...RequestMetadata.decode(Buffer.alloc(0)), toolDetails: { toolName: 'bazel', toolVersion: '8.1' }, toolInvocationId: 'invocation 7' }).finish();
    const actionDigest = newAction();
    await update(actionDigest, result, { 'build.bazel.remote.execution.v2.requestmetadata-bin': Buffer.from(said), 'millrace-session': 'session-1' });
    expect(await get(actionDigest)).toEqual(result);
    const entry = await scene.server.cache.findEntry({ instance: 'main', kind: 'action', key: `sha256:${actionDigest.hash}/${actionDigest.sizeBytes}`, qualifiers: {} });
    expect(entry?.origin).toEqual({ tool: 'bazel/8.1', build: 'invocation 7', session: 'session-1' });
  });

  it('are not found while anything that they need is not there', async () => {
    const [file, inTree] = [randomBytes(30), randomBytes(40)];
    const tree = Buffer.from(Tree.encode({ root: directoryOf(inTree), children: [] }).finish());
    const actionDigest = newAction();
    await update(actionDigest, resultWith({ outputFiles: [fileOf('file', file)], outputDirectories: [{ path: 'tree', treeDigest: sha256(tree), isTopologicallySorted: false, rootDirectoryDigest: undefined }] }));
    for (const blob of [file, tree, inTree]) {
      await expect(get(actionDigest)).rejects.toMatchObject({ code: status.NOT_FOUND });
      await push(blob);
    }
    expect((await get(actionDigest)).outputFiles).toHaveLength(1);
  });

  it('bring small outputs along when they are asked for', async () => {
    const [small, other, large, text] = [randomBytes(10), randomBytes(10), randomBytes(2 * 1024 * 1024), Buffer.from('warning: none\n')];
    await push(small, other, large, text);
    const actionDigest = newAction();
    await update(actionDigest, resultWith({ outputFiles: [fileOf('small', small), fileOf('other', other), fileOf('large', large)], stderrDigest: sha256(text) }));
    const found = await get(actionDigest, { inlineStderr: true, inlineStdout: true, inlineOutputFiles: ['small', 'large'] });
    expect(found.stderrRaw).toEqual(text);
    expect(found.outputFiles.map(({ contents }) => contents.length)).toEqual([10, 0, 0]);
    expect(found.outputFiles[0]?.contents).toEqual(small);
  });

  it.each([
    ['no result', undefined],
    ['a file without a digest', resultWith({ outputFiles: [{ ...fileOf('x', Buffer.from('x')), digest: undefined }] })],
    ['a directory without any', resultWith({ outputDirectories: [{ path: 'x', treeDigest: undefined, isTopologicallySorted: false, rootDirectoryDigest: undefined }] })],
    ['a digest that is none', resultWith({ stdoutDigest: { hash: 'zz', sizeBytes: 1 } })],
    ['far too much in itself', resultWith({ stdoutRaw: Buffer.alloc(4.5 * 1024 * 1024) })],
  ])('are refused with %s', async (_, result) => {
    await expect(update(newAction(), result)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it.each([
    ['an object of ccache', Buffer.from('cC\x00\x01 and so on')],
    ['a result that names what cannot be found', Buffer.from(ActionResult.encode(resultWith({ outputFiles: [{ ...fileOf('x', Buffer.from('x')), digest: { hash: 'zz', sizeBytes: 1 } }] })).finish())],
  ])('are none of %s, which a client of an HTTP cache keeps there', async (_, value) => {
    const actionDigest = newAction();
    await scene.server.cache.putEntry({ instance: 'main', kind: 'action', key: `sha256:${actionDigest.hash}/${actionDigest.sizeBytes}`, qualifiers: {}, target: undefined, value, references: [], properties: {}, expiresAt: undefined, origin: {} }, { by: 'builder' });
    await expect(get(actionDigest)).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  it('are pushed by those who may', async () => {
    const request = { instanceName: '', actionDigest: newAction(), actionResult: emptyResult, resultsCachePolicy: undefined, digestFunction: 0 };
    await expect(ask((done) => scene.clients.actions.updateActionResult(request, nobody(), done))).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(get(request.actionDigest)).rejects.toMatchObject({ code: status.NOT_FOUND, details: expect.stringContaining('no result of the action') });
  });
});

function newAction(): ReturnType<typeof sha256> {
  return sha256(randomBytes(60));
}

function resultWith(changes: Partial<ActionResult>): ActionResult {
  return { ...emptyResult, ...changes };
}

function fileOf(path: string, content: Buffer): ActionResult['outputFiles'][number] {
  return { path, digest: sha256(content), isExecutable: false, contents: Buffer.alloc(0), nodeProperties: undefined };
}

function directoryOf(content: Buffer): Directory {
  return { files: [{ name: 'in the tree', digest: sha256(content), isExecutable: false, nodeProperties: undefined }], directories: [], symlinks: [], nodeProperties: undefined };
}

async function push(...contents: readonly Buffer[]): Promise<void> {
  const requests = contents.map((data) => ({ digest: sha256(data), data, compressor: 0 }));
  await ask((done) => scene.clients.storage.batchUpdateBlobs({ instanceName: '', requests, digestFunction: 0 }, pusher(), done));
}

async function update(actionDigest: ReturnType<typeof sha256>, actionResult: ActionResult | undefined, metadata: Record<string, string | Buffer> = {}): Promise<unknown> {
  return ask((done) => scene.clients.actions.updateActionResult({ instanceName: '', actionDigest, actionResult, resultsCachePolicy: undefined, digestFunction: 0 }, pusher(metadata), done));
}

async function get(actionDigest: ReturnType<typeof sha256>, changes: Partial<GetActionResultRequest> = {}): Promise<ActionResult> {
  const request = { instanceName: '', actionDigest, inlineStdout: false, inlineStderr: false, inlineOutputFiles: [], digestFunction: 0, ...changes };
  return ask<ActionResult>((done) => scene.clients.actions.getActionResult(request, nobody(), done));
}
