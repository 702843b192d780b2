import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { useControlPlane } from '../../support/controlplane.ts';

const root = join(import.meta.dirname, '../../..');
const examples = readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.yaml'));

describe('examples', () => {
  const controlPlane = useControlPlane({ crds: true });
  const apply = (file: string, ...flags: string[]) =>
    controlPlane.kubectl(['apply', '--server-side', '--validate=strict', ...flags, `--filename=${join(root, file)}`]);

  beforeAll(async () => {
    await apply('deploy/admission.yaml');
    await apply('examples/flavors.yaml');
  });

  test('are there', () => {
    expect(examples.length).toBeGreaterThan(5);
  });

  test.each(examples)('%s applies, has no unknown field, and again changes nothing', async (file) => {
    await apply(`examples/${file}`, '--dry-run=server');
    await apply(`examples/${file}`);
    const generations = () =>
      controlPlane.kubectl(['get', '-o', 'jsonpath={.items[*].metadata.generation}', `--filename=${join(root, 'examples', file)}`]);
    const before = await generations();
    await apply(`examples/${file}`);
    expect(await generations()).toBe(before);
  });

  test('name flavors that are offered', async () => {
    const list = (what: string, path: string) => controlPlane.kubectl(['get', what, '-o', `jsonpath={.items[*]${path}}`]);
    const offered = (await controlPlane.kubectl(['get', 'flavors', '-o', 'jsonpath={.items[?(@.spec.enabled)].metadata.name}'])).split(' ');
    const wanted = (await list('loadbalancers', '.spec.flavorId')).split(' ');
    expect(wanted.length).toBeGreaterThan(5);
    expect(offered).toEqual(expect.arrayContaining(wanted));
    const profiles = (await list('flavorprofiles', '.metadata.name')).split(' ');
    expect(profiles).toEqual(expect.arrayContaining((await list('flavors', '.spec.flavorProfile')).split(' ')));
  });
});
