import { inside, type Place, programConfigMap, programPod } from '../../tools/traffic/pods/place.ts';

/** What came of one request: an answer, or how it failed, by the code of Node's error. */
export type Answer = { status: number; headers: Record<string, string>; body: string } | { error: string };

/** For node's `http.request` and `https.request`. */
export interface RequestOptions {
  /** Default: GET. */
  method?: string;
  headers?: Record<string, string>;
  /** Whose certificate is wanted, and who must have signed it; PEM. */
  servername?: string;
  ca?: string;
  body?: string;
}

const program = `
const { url, options } = JSON.parse(process.argv[1]);
const { request } = require(url.startsWith('https:') ? 'node:https' : 'node:http');
const tell = (answer) => console.log(JSON.stringify(answer));
const { body: sent, ...rest } = options ?? {};
request(url, { agent: false, timeout: 5000, ...rest }, (response) => {
  let body = '';
  response.setEncoding('utf8').on('data', (text) => (body += text));
  response.on('end', () => tell({ status: response.statusCode, headers: response.headers, body }));
})
  .on('timeout', function () { this.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })); })
  .on('error', ({ code, message }) => tell({ error: code ?? message }))
  .end(sent);
`;

/** Starts a pod that single requests can be sent from; it ends with its namespace. */
export async function startClientPod(place: Place, name = 'client'): Promise<(url: string, options?: RequestOptions) => Promise<Answer>> {
  const spec = programPod(place, name, { command: ['node', '--eval', 'setInterval(() => {}, 60_000)'] });
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { ...spec, terminationGracePeriodSeconds: 1 } };
  const objects = [await programConfigMap(name), pod];
  await inside(place, ['apply', '--filename=-'], { input: objects.map((object) => JSON.stringify(object)).join('\n---\n') });
  await inside(place, ['wait', `pod/${name}`, '--for=condition=Ready', '--timeout=120s']);
  return async (url, options) =>
    JSON.parse(await inside(place, ['exec', name, '--', 'node', '--eval', program, JSON.stringify({ url, options })])) as Answer;
}
