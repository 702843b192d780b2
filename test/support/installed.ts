import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { type ControlPlane, startControlPlane } from '../../tools/controlplane.ts';
import { kubectl } from '../../tools/kubectl.ts';
import { chart, helm } from '../controlplane/chart/helm.ts';

/** What an API server answered. */
export interface KubeAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  body: any;
}

/** A control plane with the chart installed on it as the release `reflavor` of the namespace `reflavor`, outside of any suite. */
export class Installed {
  readonly controlPlane: ControlPlane;
  /** Certificate of the API server's authority, PEM. */
  readonly ca: string;
  readonly #agent: Agent;

  private constructor(controlPlane: ControlPlane) {
    this.controlPlane = controlPlane;
    const { clusters } = parse(controlPlane.adminKubeconfig);
    this.ca = Buffer.from(clusters[0].cluster['certificate-authority-data'], 'base64').toString();
    this.#agent = new Agent({ connect: { ca: this.ca }, connections: 32, allowH2: false });
  }

  /** @param values `api.enabled=true,…` */
  static async start(values: string, options: Partial<Parameters<typeof startControlPlane>[0]> = {}): Promise<Installed> {
    const dir = await mkdtemp(join(tmpdir(), 'reflavor-installed-'));
    let installed: Installed | undefined;
    try {
      installed = new Installed(await startControlPlane({ dir, ...options }));
      await helm(
        ['install', 'reflavor', chart, '--namespace=reflavor', '--create-namespace', `--set=${values}`],
        installed.controlPlane.kubeconfigPath,
      );
      return installed;
    } catch (error) {
      await installed?.controlPlane.stop();
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  /** Installs it anew with other values. */
  async upgrade(values: string): Promise<void> {
    await helm(['upgrade', 'reflavor', chart, '--namespace=reflavor', `--set=${values}`], this.controlPlane.kubeconfigPath);
  }

  /** As an administrator. */
  kubectl(args: readonly string[], input?: string): Promise<string> {
    return kubectl(this.controlPlane.kubeconfigPath, args, { input });
  }

  /** A token of a service account, good for an hour. */
  async token(namespace: string, account: string): Promise<string> {
    return (await this.kubectl(['create', 'token', account, `--namespace=${namespace}`])).trim();
  }

  /** A request to the API server with a token, or with none. A body is JSON, or a merge patch where it is patched with. Of a watch only the status is waited for. */
  async call(token: string | undefined, method: string, path: string, body?: unknown): Promise<KubeAnswer> {
    const answer = await request(`${this.controlPlane.url}${path}`, {
      method: method as 'GET',
      dispatcher: this.#agent,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (path.includes('watch=true')) {
      answer.body.on('error', () => {}).destroy();
      return { status: answer.statusCode, body: undefined };
    }
    const text = await answer.body.text();
    return { status: answer.statusCode, body: text.startsWith('{') ? JSON.parse(text.split('\n')[0]!) : text };
  }

  async stop(): Promise<void> {
    await this.#agent.destroy();
    await this.controlPlane.stop();
    await rm(this.controlPlane.dir, { recursive: true, force: true });
  }
}
