// Compiles the native module of the package `kerberos`, which `npm ci` does not: many machines lack the headers of Kerberos. Reaches no network: the headers of
// Node-API come from the package node-api-headers, those of GSSAPI from the system (Debian: libkrb5-dev). Prints the path of the module.
//   node scripts/build-kerberos.mjs [target file]
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const kerberos = path.dirname(require.resolve('kerberos/package.json'));
const nodeAddonApi = path.dirname(createRequire(path.join(kerberos, 'package.json')).resolve('node-addon-api/package.json'));
const nodeApiHeaders = path.dirname(require.resolve('node-api-headers/package.json'));
const target = path.resolve(process.argv[2] ?? path.join(kerberos, 'build/Release/kerberos.node'));

let staging;
if (!existsSync('/usr/include/gssapi/gssapi.h')) fail('the headers of GSSAPI are not on this machine: install libkrb5-dev (Debian) or krb5-devel (Fedora)');
mkdirSync(path.dirname(target), { recursive: true });
// Aside first: whoever looks for the module never finds half of it.
staging = mkdtempSync(path.join(path.dirname(target), '.build-'));
try {
  const sources = ['kerberos', 'unix/base64', 'unix/kerberos_gss', 'unix/kerberos_unix'];
  const objects = sources.map((source) => path.join(staging, `${path.basename(source)}.o`));
  const includes = [path.join(nodeApiHeaders, 'include'), nodeAddonApi].map((folder) => `-I${folder}`);
  const flags = ['-std=c++17', '-O1', '-fPIC', '-fexceptions', '-fvisibility=hidden', '-w', '-DBUILDING_NODE_EXTENSION', '-DNODE_GYP_MODULE_NAME=kerberos', '-DKERBEROS_USE_RTLD=1', ...includes];
  await Promise.all(sources.map((source, index) => compile([...flags, '-c', path.join(kerberos, 'src', `${source}.cc`), '-o', objects[index]])));
  const module = path.join(staging, 'kerberos.node');
  await compile(['-shared', '-o', module, ...objects, '-ldl']);
  renameSync(module, target);
} finally {
  rmSync(staging, { recursive: true, force: true });
}
process.stdout.write(`${target}\n`);

function compile(args) {
  return new Promise((resolve) => {
    const child = spawn('g++', args, { stdio: ['ignore', 2, 2] });
    child.once('error', (error) => fail(`g++ cannot be run: ${error.message}`));
    child.once('exit', (code) => (code === 0 ? resolve() : fail(`g++ ended with ${code}`)));
  });
}

function fail(message) {
  if (staging !== undefined) rmSync(staging, { recursive: true, force: true });
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
