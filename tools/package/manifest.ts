/** package.json of the published package, from the repository's own. It depends on nothing: what it needs is inside. */
export function manifest({ version, license }: { version: string; license: string }): object {
  return {
    name: 'reflavor',
    version,
    description: 'Resize load balancers on Kubernetes live: SDK for programs, and the kubectl plugin `kubectl lb`.',
    keywords: ['kubernetes', 'kubectl-plugin', 'load-balancer', 'haproxy', 'octavia'],
    license,
    // What runs in it is tried on 20; util.styleText came with 20.12.
    engines: { node: '>=20.12' },
    exports: { '.': { types: './types/index.d.mts', default: './index.mjs' }, './package.json': './package.json' },
    bin: { 'kubectl-lb': 'kubectl-lb', 'kubectl_complete-lb': 'kubectl_complete-lb' },
    peerDependencies: { '@kubernetes/client-node': '>=1' },
    peerDependenciesMeta: { '@kubernetes/client-node': { optional: true } },
  };
}
