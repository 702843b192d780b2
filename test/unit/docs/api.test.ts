import { expect, test } from '@jest/globals';
import { apiDescription, apiPage } from '../../../tools/docs/api.ts';

test('the page of the REST API has every call, and what each takes and answers', async () => {
  const description = await apiDescription();
  const page = apiPage(description);
  const calls = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `\n\`${method.toUpperCase()} ${path}\`\n`),
  );
  expect(calls.length).toBeGreaterThan(60);
  for (const call of calls) expect(page.split(call)).toHaveLength(2);
  const resize = page.split('### Resize a load balancer')[1]!.split('\n### ')[0]!;
  expect(resize).toContain('| `new_flavor_id` | string | Required. Id or name of the flavor. 1 to 255 characters. |');
  expect(resize).toContain('Answer: 202, `loadbalancer`; attributes as under [List load balancers](#list-load-balancers).');
});
