import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createOpensslAuthority, type OpensslAuthority } from '../../../testing/openssl-authority.js';
import type { CertificateFiles } from '../../../testing/test-certificates.js';
import { createCertificateTrust, unknownAuthority } from './certificate-trust.js';

let folder: string;
let farm: OpensslAuthority;
let other: OpensslAuthority;
let builder: CertificateFiles;
let revoked: CertificateFiles;

const text = (file: string): string => readFileSync(file, 'utf8');
const der = ({ certificate }: Pick<CertificateFiles, 'certificate'>): Buffer => new X509Certificate(readFileSync(certificate)).raw;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'millrace-trust-'));
  [farm, other] = [createOpensslAuthority(folder, 'farm'), createOpensslAuthority(folder, 'other')];
  [builder, revoked] = [farm.issue('/O=Farm/CN=builder'), farm.issue('/O=Farm/CN=gone')];
  farm.revoke(revoked);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a certificate that was good when its connection was made', () => {
  it('is good as long as its authority is in the file, and no list has it', () => {
    expect(createCertificateTrust([text(other.certificate), text(farm.certificate)], []).problemOf(der(revoked))).toBeUndefined();
    const trust = createCertificateTrust([text(farm.certificate)], [text(farm.revocationList())]);
    expect([trust.problemOf(der(builder)), trust.problemOf(der(revoked)), trust.problemOf(der({ certificate: farm.certificate }))]).toEqual([undefined, 'CERT_REVOKED', undefined]);
    expect(createCertificateTrust([text(other.certificate)], []).problemOf(der(builder))).toBe(unknownAuthority);
  });

  it('is good with a current list of its authority only, once there is any', () => {
    expect(createCertificateTrust([text(farm.certificate)], [text(other.revocationList())]).problemOf(der(builder))).toBe('UNABLE_TO_GET_CRL');
    const list = text(farm.revocationList());
    const late = createCertificateTrust([text(farm.certificate)], [text(farm.revocationList({ expired: true }))]);
    expect([late.problemOf(der(builder)), late.until]).toEqual(['CRL_HAS_EXPIRED', Date.parse('2020-01-02T00:00:00Z')]);
    const trust = createCertificateTrust([text(farm.certificate)], [text(farm.revocationList({ expired: true })), list]);
    expect(trust.problemOf(der(builder))).toBeUndefined();
    expect(trust.problemOf(der(builder), Date.now() + 23 * 3_600_000)).toBeUndefined();
    expect(trust.problemOf(der(builder), Date.now() + 30 * 3_600_000)).toBe('CERT_HAS_EXPIRED');
  });

  it('is not followed by a list that cannot be read', () => {
    for (const bytes of ['', 'AAAA', 'MAA=', 'MIIBIjANBg==']) expect(() => createCertificateTrust([], [`-----BEGIN X509 CRL-----\n${bytes}\n-----END X509 CRL-----\n`])).toThrow(expect.objectContaining({ code: 'invalid-setting' }));
  });
});
