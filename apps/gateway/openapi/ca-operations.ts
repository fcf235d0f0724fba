import { withProblems } from './answers.js';
import type { Operation } from './operation.js';

const summary = 'The certificate of the authority that signs for intercepted hosts';

export const caOperations: readonly Operation[] = [
  { method: 'get', path: '/v1/ca.pem', operationId: 'caPem', tag: 'ca', summary: `${summary}, as PEM`, auth: 'none', answers: withProblems({ 200: { description: 'PEM.', content: { 'application/x-pem-file': 'text' } } }) },
  { method: 'get', path: '/v1/ca.p12', operationId: 'caPkcs12', tag: 'ca', summary: `${summary}, as a PKCS#12 trust store; password \`changeit\``, auth: 'none', answers: withProblems({ 200: { description: 'PKCS#12.', content: { 'application/x-pkcs12': 'binary' } } }) },
  { method: 'get', path: '/v1/ca.jks', operationId: 'caJks', tag: 'ca', summary: `${summary}, as a Java key store; password \`changeit\``, auth: 'none', answers: withProblems({ 200: { description: 'JKS.', content: { 'application/x-java-keystore': 'binary' } } }) },
];
