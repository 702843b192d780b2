import { expect } from '@jest/globals';
import type { Amphora, LoadBalancer, LoadBalancerStatus } from '../../src/api/index.ts';
import * as octavia from '../../src/rest/octavia/index.ts';

export const UID = '0b9e4fd2-7a8c-4a3d-9a07-5d3f1c2b4e6a';
export const flavors = octavia.flavorsOf([]);

/** A load balancer made from the body of a request, as it is once the API server has it. */
export function created(body: object): LoadBalancer {
  const made = octavia.createLoadBalancer(octavia.parseBody(octavia.LoadBalancerCreate, body), 'shop', flavors);
  return { ...made, metadata: { ...made.metadata, uid: UID, generation: 1 } };
}

export const treeOf = (loadBalancer: LoadBalancer, amphorae: Amphora[] = []) =>
  octavia.loadBalancerTreeOf(octavia.viewOf(loadBalancer, amphorae, flavors));

/** The same load balancer with all that was asked for carried out. */
export const active = (loadBalancer: LoadBalancer, status: Partial<LoadBalancerStatus> = {}): LoadBalancer => ({
  ...loadBalancer,
  status: {
    observedGeneration: 1,
    provisioningStatus: 'ACTIVE',
    operatingStatus: 'ONLINE',
    flavorId: 'small',
    amphorae: [{ name: 'amp', flavorId: 'small', role: 'STANDALONE', traffic: 'Carries', ready: true }],
    vipPorts: (loadBalancer.spec.listeners ?? []).map(({ protocolPort }) => protocolPort),
    ...status,
  },
});

/** What an error must be: its status, and words in it. */
export const fault = (status: number, words: string) =>
  expect.objectContaining({ name: 'OctaviaFault', status, message: expect.stringContaining(words) });

export const pool = (fields: object = {}) => ({ name: 'app', protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN', ...fields });
export const listener = (fields: object = {}) => ({ name: 'web', protocol: 'HTTP', protocol_port: 80, ...fields });
