import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FlavorData } from '../api/index.ts';
import { capabilities, flavorDataOf, flavorDataText } from './flavor-data.ts';

const data = fc
  .record(
    {
      loadbalancerTopology: fc.constantFrom('SINGLE', 'ACTIVE_STANDBY'),
      ampImageTag: fc.constantFrom('3.0', '3.2-alpine'),
      threads: fc.integer({ min: 1, max: 64 }),
      maxConnections: fc.integer({ min: 1, max: 1_000_000 }),
      compute: fc.record(
        {
          cpu: fc.constantFrom('500m', '2'),
          memory: fc.constantFrom('64Mi', '1Gi'),
          nodeSelector: fc.dictionary(fc.constantFrom('disk', 'zone'), fc.constantFrom('ssd', 'a'), { minKeys: 1 }),
          tolerations: fc.array(fc.record({ key: fc.constantFrom('lb', 'edge'), operator: fc.constant('Exists') }), {
            minLength: 1,
            maxLength: 3,
          }),
          topologyKey: fc.constant('topology.kubernetes.io/zone'),
        },
        { requiredKeys: ['cpu'] },
      ),
    },
    { requiredKeys: [] },
  )
  .map((given) => FlavorData.parse(given));

describe('flavor_data', () => {
  test('as text says all that a profile has, and nothing is lost on the way back', () => {
    fc.assert(
      fc.property(data, (profile) => {
        const text = flavorDataText(profile);
        expect(JSON.parse(JSON.stringify(flavorDataOf(text)))).toEqual(JSON.parse(JSON.stringify(profile)));
        expect(capabilities.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(JSON.parse(text))));
      }),
    );
  });

  test('every capability says what it means', () => {
    for (const { name, description } of capabilities)
      expect({ name, description }).toEqual({ name, description: expect.stringMatching(/.{10}/) });
  });

  test('an empty one is a profile of defaults', () => {
    expect(flavorDataOf('{}')).toEqual({ loadbalancerTopology: 'SINGLE', threads: 1, maxConnections: 2000 });
  });

  test.each(['null', '[]', '7', '"text"', '{"sriov_vip": true}', '{"threads": 0}', '{'])('%s is refused with 400', (text) => {
    expect(() => flavorDataOf(text)).toThrow(expect.objectContaining({ name: 'OctaviaFault', status: 400 }));
  });
});
