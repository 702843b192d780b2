import * as z from 'zod';
import { Compute, FlavorData, Topology } from '../api/index.ts';
import { OctaviaFault, parseBody } from './octavia/index.ts';

/**
 * `flavor_data` of a flavor profile: Octavia's keys where it has them, and those of Reflavor. Octavia carries it as a JSON text.
 */
const Data = z.strictObject({
  loadbalancer_topology: Topology.optional().meta({ description: 'SINGLE: one amphora. ACTIVE_STANDBY: two, the second takes over.' }),
  amp_image_tag: FlavorData.shape.ampImageTag.meta({ description: 'Tag of the amphora image.' }),
  cpu: Compute.shape.cpu.meta({ description: 'CPU limit of an amphora, a Kubernetes quantity (500m, 2).' }),
  memory: Compute.shape.memory.meta({ description: 'Memory limit of an amphora, a Kubernetes quantity (256Mi).' }),
  node_selector: Compute.shape.nodeSelector.meta({ description: 'Labels that the node of an amphora must have.' }),
  tolerations: Compute.shape.tolerations.meta({ description: 'Taints that an amphora tolerates, as in a pod.' }),
  topology_key: Compute.shape.topologyKey.meta({ description: 'Label of nodes by which the two amphorae of a pair are kept apart.' }),
  threads: FlavorData.shape.threads.optional().meta({ description: 'HAProxy threads of an amphora.' }),
  max_connections: FlavorData.shape.maxConnections.optional().meta({ description: 'Connections that an amphora serves at once.' }),
});

/** Keys of Octavia's amphora provider that say nothing here, with what does. */
const ELSEWHERE: Record<string, string> = {
  compute_flavor: 'an amphora is no server of Nova: give cpu and memory',
  sriov_vip: 'there are no SR-IOV ports: leave it out',
  allow_member_sriov: 'there are no SR-IOV ports: leave it out',
};

/** The keys of `flavor_data` with what they mean: Octavia's flavor capabilities. */
export const capabilities = Object.entries(Data.shape).map(([name, schema]) => ({ name, description: schema.meta()?.description ?? '' }));

/** The JSON text of a profile's data; what was left at its default is in it, too. */
export function flavorDataText({ loadbalancerTopology, ampImageTag, compute = {}, threads, maxConnections }: FlavorData): string {
  const { cpu, memory, nodeSelector, tolerations, topologyKey } = compute;
  return JSON.stringify({
    loadbalancer_topology: loadbalancerTopology,
    amp_image_tag: ampImageTag,
    ...{ cpu, memory, tolerations },
    node_selector: nodeSelector,
    topology_key: topologyKey,
    threads,
    max_connections: maxConnections,
  } satisfies z.input<typeof Data>);
}

/** @throws OctaviaFault 400 for what is no JSON, has a key that there is none of, or a value that can't be */
export function flavorDataOf(text: string): FlavorData {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new OctaviaFault(400, `${text.slice(0, 120)} is not a valid option for flavor_data: it must be the text of a JSON object.`);
  }
  const known = Object.keys((data ?? {}) as object).find((key) => key in ELSEWHERE);
  if (known) throw new OctaviaFault(400, `${known} is not a valid option for flavor_data: ${ELSEWHERE[known]}.`);
  const { loadbalancer_topology, amp_image_tag, threads, max_connections, node_selector, topology_key, ...compute } = parseBody(Data, data);
  const placed = { ...compute, ...(node_selector && { nodeSelector: node_selector }), ...(topology_key && { topologyKey: topology_key }) };
  return FlavorData.parse({
    loadbalancerTopology: loadbalancer_topology,
    ampImageTag: amp_image_tag,
    threads,
    maxConnections: max_connections,
    ...(Object.keys(placed).length > 0 && { compute: placed }),
  });
}
