/** Configuration files of a node's programs. */
import { existsSync } from 'node:fs';
import { stringify } from 'yaml';
import { PAUSE_IMAGE } from './images/base.ts';

/** Inside the node, whose /run is its own. */
export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';

/** The folder of the distribution's package, or of the project's own releases. */
export function cniPlugins(): string {
  return ['/usr/lib/cni', '/opt/cni/bin'].find((dir) => existsSync(`${dir}/ptp`)) ?? '/usr/lib/cni';
}

export function containerdConfig({ root, cniDir }: { root: string; cniDir: string }): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = ${JSON.stringify(root)}
state = "/run/containerd"
[grpc]
  address = ${JSON.stringify(CONTAINERD_SOCKET)}
[${cri}]
  sandbox_image = ${JSON.stringify(PAUSE_IMAGE)}
  # A profile would be loaded into the kernel of the whole machine.
  disable_apparmor = true
  # Root of a container may not raise its own protection, as kubelet wants for the sandbox.
  restrict_oom_score_adj = true
[${cri}.cni]
  bin_dir = ${JSON.stringify(cniPlugins())}
  conf_dir = ${JSON.stringify(cniDir)}
[${cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
`;
}

/** A pod is linked with its node point to point: two pods of a node reach each other by its routes, and so through its Services' rules. */
export function cniConfig({ podRanges, dataDir }: { podRanges: readonly string[]; dataDir: string }): string {
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: 'reflavor',
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir,
          ranges: podRanges.map((subnet) => [{ subnet }]),
          routes: podRanges.map((subnet) => ({ dst: subnet.includes(':') ? '::/0' : '0.0.0.0/0' })),
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
}

/** KubeletConfiguration, kubelet.config.k8s.io/v1beta1. What is not here has kubelet's default. */
export function kubeletConfig(node: { address: string; cgroupRoot: string; caFile: string; logsDir: string; pluginsDir: string }): string {
  return stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: node.address,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: node.caFile } },
    authorization: { mode: 'Webhook' },
    cgroupDriver: 'cgroupfs',
    cgroupRoot: node.cgroupRoot,
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    podLogsDir: node.logsDir,
    volumePluginDir: node.pluginsDir,
    resolvConf: '',
    readOnlyPort: 0,
    serializeImagePulls: false,
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    // A disk that others have filled neither evicts a pod nor takes an image away, which could not be pulled again.
    evictionHard: { 'memory.available': '100Mi' },
    imageGCHighThresholdPercent: 100,
  });
}

/** KubeProxyConfiguration, kubeproxy.config.k8s.io/v1alpha1. */
export function kubeProxyConfig(node: { kubeconfig: string; name: string; clusterCidr: string }): string {
  return stringify({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig: node.kubeconfig },
    hostnameOverride: node.name,
    mode: 'iptables',
    clusterCIDR: node.clusterCidr,
    detectLocalMode: 'ClusterCIDR',
    oomScoreAdj: 0,
    // These limits are the machine's; a network namespace can only read them.
    conntrack: { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  });
}
