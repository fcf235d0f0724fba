import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { onPath } from './on-path.js';

/** Programs that specs run, and the Debian package of each. */
const debianPackages: Readonly<Record<string, string>> = {
  apache2: 'apache2-bin',
  apt: 'apt',
  'apt-ftparchive': 'apt-utils',
  bazel: 'bazel-bootstrap',
  buildah: 'buildah',
  bundle: 'ruby-bundler',
  bwrap: 'bubblewrap',
  bzip2: 'bzip2',
  ccache: 'ccache',
  composer: 'composer',
  createrepo_c: 'createrepo-c',
  curl: 'curl',
  dnf: 'dnf',
  'dpkg-deb': 'dpkg',
  'dpkg-source': 'dpkg-dev',
  'g++': 'g++',
  gem: 'ruby',
  git: 'git',
  gpg: 'gnupg',
  gradle: 'gradle',
  'kadmin.local': 'krb5-admin-server',
  kinit: 'krb5-user',
  krb5kdc: 'krb5-kdc',
  minisign: 'minisign',
  mksquashfs: 'squashfs-tools',
  mvn: 'maven',
  nuget: 'nuget',
  openssl: 'openssl',
  ostree: 'ostree',
  python3: 'python3-venv',
  'rabbitmq-server': 'rabbitmq-server',
  rebar3: 'rebar3',
  rpmbuild: 'rpm',
  rpmsign: 'rpm',
  skopeo: 'skopeo',
  slapd: 'slapd',
  ssh: 'openssh-client',
  mount: 'mount',
  unzip: 'unzip',
  xorriso: 'xorriso',
  xz: 'xz-utils',
};

/** What specs need besides programs, by a file of it. */
const debianFiles: Readonly<Record<string, string>> = {
  '/usr/lib/python3/dist-packages/dnf-plugins/repoclosure.py': 'dnf-plugins-core',
  // The fake of a client of BuildStream 1.0 writes its messages with GLib.
  '/usr/lib/python3/dist-packages/gi/__init__.py': 'python3-gi',
  '/usr/include/gssapi/gssapi.h': 'libkrb5-dev',
  // BuildStream 1 loads it at its start.
  '/usr/lib/x86_64-linux-gnu/libfuse.so.2': 'libfuse2',
  '/usr/lib/apache2/modules/mod_auth_gssapi.so': 'libapache2-mod-auth-gssapi',
};

/**
 * Installs what is missing of the clients that the suite runs, where that can be done without asking: as root on a Debian system. Elsewhere
 * the specs themselves say what is missing. Nothing is replaced, and only packages of the system's own configuration are taken.
 */
export async function installMissingClients(options: { readonly say: (message: string) => void; readonly signal: AbortSignal }): Promise<void> {
  const without = (process.env['MILLRACE_TEST_WITHOUT'] ?? '').split(',');
  const missing = Object.entries(debianPackages).filter(([program]) => !onPath(program) && !without.includes(program));
  // They come with their program, which a machine may do without.
  const files = without.includes('dnf') ? [] : Object.entries(debianFiles).filter(([file]) => !existsSync(file));
  if (missing.length + files.length === 0) return;
  const names = [...new Set([...missing, ...files].map(([, name]) => name))];
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    options.say(`not on this machine: ${[...missing, ...files].map(([program]) => program).join(', ')}. Install them, or run with MILLRACE_TEST_WITHOUT=<comma list>`);
    return;
  }
  options.say(`installing clients for the specs: ${names.join(' ')}`);
  await run(['apt-get', 'update', '-q'], options.signal);
  await run(['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...names], options.signal);
}

/** Its output goes to standard error; a failure is told by the specs that miss the program. */
function run([program = '', ...args]: readonly string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, signal });
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
}
