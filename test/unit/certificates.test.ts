import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import * as tls from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { issueCertificate, makeCa } from '../support/certificates.ts';

describe('certificates for tests', () => {
  test('a certificate is signed by its CA, fits its key and names its hosts', async () => {
    const ca = await makeCa('Our CA');
    const issued = await issueCertificate({ ca, cn: 'www', dnsNames: ['www.example.org'], ipAddresses: ['127.0.0.7', '::1'] });
    const cert = new X509Certificate(issued.certPem);
    expect(cert.verify(new X509Certificate(ca.certPem).publicKey)).toBe(true);
    expect(cert.checkPrivateKey(createPrivateKey(issued.keyPem))).toBe(true);
    expect(cert.checkHost('www.example.org')).toBe('www.example.org');
    expect(cert.checkIP('127.0.0.7')).toBe('127.0.0.7');
    expect(cert.checkIP('127.0.0.8')).toBeUndefined();
    expect(issued.certPem.endsWith('-----END CERTIFICATE-----\n')).toBe(true);
  });

  test('server and client trust each other over mutual TLS by them', async () => {
    const ca = await makeCa();
    const server = await issueCertificate({ ca, cn: 'server', ipAddresses: ['127.0.0.1'] });
    const client = await issueCertificate({ ca, cn: 'client', client: true });
    const listener = tls.createServer({ cert: server.certPem, key: server.keyPem, ca: ca.certPem, requestCert: true }, (socket) => {
      socket.end(`${socket.authorized} ${socket.getPeerCertificate().subject.CN}`);
    });
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port } = listener.address() as AddressInfo;
      const socket = tls.connect({ host: '127.0.0.1', port, ca: ca.certPem, cert: client.certPem, key: client.keyPem });
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString()).toBe('true client');
    } finally {
      listener.close();
    }
  });

  test('an expired one can be made', async () => {
    const notAfter = new Date('2020-02-01T00:00:00Z');
    const { certPem } = await issueCertificate({ ca: await makeCa(), cn: 'old', notAfter });
    expect(new X509Certificate(certPem).validToDate).toEqual(notAfter);
  });
});
