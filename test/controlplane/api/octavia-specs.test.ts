import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as octavia from '../../../src/rest/octavia/index.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { listenerBody, poolBody, treeBody } from '../../support/octavia-bodies.ts';
import { resourceOf, useClient } from './objects.ts';

const balancers = resourceOf('LoadBalancer');
const flavors = octavia.flavorsOf([]);

describe('a load balancer made from the body of a request', () => {
  const controlPlane = useControlPlane({ crds: true });
  const client = useClient(controlPlane);

  test('is one that the API server takes, and so it is after an edit', async () => {
    let n = 0;
    await fc.assert(
      fc.asyncProperty(treeBody, listenerBody([]), poolBody, async (body, listener, pool) => {
        const wanted = octavia.createLoadBalancer(octavia.parseBody(octavia.LoadBalancerCreate, body), 'default', flavors, `n${n++}`);
        const created = await client.current.create<typeof wanted>(balancers, wanted, { fieldValidation: 'Strict' });
        const { uid } = created.metadata;
        // What the operator is told is what was meant: the server fills nothing in, and takes nothing out.
        expect(created.spec).toEqual(JSON.parse(JSON.stringify(wanted.spec)));

        const withPool = octavia.createPool(created, octavia.parseBody(octavia.PoolCreate, { ...pool, loadbalancer_id: uid }));
        const free = { ...listener, protocol_port: 60_001, loadbalancer_id: uid };
        const edited = octavia.createListener(withPool.loadBalancer, octavia.parseBody(octavia.ListenerCreate, free)).loadBalancer;
        const replaced = await client.current.replace(balancers, edited, { fieldValidation: 'Strict' });
        expect(replaced.spec).toEqual(JSON.parse(JSON.stringify(edited.spec)));
        await client.current.delete(balancers, { namespace: 'default', name: wanted.metadata.name });
      }),
      { numRuns: 60 },
    );
  });
});
