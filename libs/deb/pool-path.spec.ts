import { expect, it } from '@jest/globals';
import { packageFileName, poolPath } from './pool-path.js';

it.each([
  [{ name: 'bash', version: '5.2-1', architecture: 'amd64' }, 'bash', 'pool/main/b/bash/bash_5.2-1_amd64.deb'],
  [{ name: 'libxml2-dev', version: '1:2.9+dfsg-1~bpo1', architecture: 'all' }, 'libxml2', 'pool/main/libx/libxml2/libxml2-dev_2.9+dfsg-1~bpo1_all.deb'],
  [{ name: 'lib', version: '1', architecture: 'all' }, 'lib', 'pool/main/l/lib/lib_1_all.deb'],
  [{ name: '0ad', version: '0.0.26-3', architecture: 'arm64' }, '0ad', 'pool/main/0/0ad/0ad_0.0.26-3_arm64.deb'],
])('puts %j where Debian would', (identity, source, path) => expect(poolPath(packageFileName(identity), { component: 'main', source })).toBe(path));
