import { stringify } from 'yaml';

/** A kubeconfig of one cluster and one user, certificates inside. */
export function renderKubeconfig(access: { url: string; caPem: string; user: string; certPem: string; keyPem: string }): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'reflavor', cluster: { server: access.url, 'certificate-authority-data': base64(access.caPem) } }],
    users: [
      {
        name: access.user,
        user: { 'client-certificate-data': base64(access.certPem), 'client-key-data': base64(access.keyPem) },
      },
    ],
    contexts: [{ name: 'reflavor', context: { cluster: 'reflavor', user: access.user } }],
    'current-context': 'reflavor',
  });
}
