/** The control plane's own certificate authority, kept in a folder. Elliptic curve P-256 throughout. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Leaf, Authority as Signer } from '../src/provider/amphora/kubernetes/identity/authority.ts';

const days = 365;

export interface KeyPair {
  certPem: string;
  keyPem: string;
}

export interface Authority {
  caPem: string;
  /** A certificate of a client: Kubernetes reads the user from CN and the groups from O. */
  issueClient(user: string, groups: readonly string[]): Promise<KeyPair>;
  /** A certificate of a server that is reached by these names and addresses. */
  issueServer(dnsNames: readonly string[], ipAddresses: readonly string[]): Promise<KeyPair>;
}

/** Opens the authority of a folder, which is made on the first call: `ca.crt` and `ca.key`. */
export async function openAuthority(dir: string): Promise<Authority> {
  const [certFile, keyFile] = [join(dir, 'ca.crt'), join(dir, 'ca.key')];
  if (!existsSync(keyFile) || !existsSync(certFile)) {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const { certificate, key } = await Signer.create('reflavor-control-plane', new Date());
    await writeFile(certFile, certificate);
    await writeFile(keyFile, key, { mode: 0o600 });
  }
  const signer = await Signer.open({ certificate: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') });
  const issue = async (leaf: Leaf): Promise<KeyPair> => {
    const { certificate, key } = await signer.issue({ ...leaf, days }, new Date());
    return { certPem: certificate, keyPem: key };
  };
  return {
    caPem: signer.certificate,
    issueClient: (user, groups) => issue({ commonName: user, organizations: groups, uses: ['client'] }),
    issueServer: (dnsNames, ipAddresses) => issue({ commonName: 'kube-apiserver', dnsNames, ipAddresses, uses: ['server'] }),
  };
}

/** A key that signs service account tokens, as the PEM of its private and of its public half. */
export async function makeServiceAccountKey(): Promise<{ privatePem: string; publicPem: string }> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { privatePem: privateKey, publicPem: publicKey };
}
