import { setTimeout as sleep } from 'node:timers/promises';
import { API_VERSION, conditionOf, type LoadBalancer } from '../../src/api/index.ts';
import { amphorae, flavors } from '../../src/controller/resources.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { secrets } from '../../src/provider/amphora/kubernetes/objects.ts';
import { issueCertificate, makeCa } from '../../test/support/certificates.ts';
import { signalHaproxies } from '../../test/support/haproxies.ts';
import { type Balancer, PORT } from './balancer.ts';
import type { Stage } from './stage.ts';

/** A resize on its way, and the place that it happens in. */
export interface Course {
  stage: Stage;
  lb: Balancer;
  /** The flavors that it goes from and to. */
  here: string;
  other: string;
}

/** Something that befalls a load balancer in the middle of a resize. */
export interface WorldFault {
  name: string;
  /** Takes requests with it, until what it killed runs again. */
  takes?: boolean;
  happen(course: Course): Promise<void>;
  /** Done before the resize begins. */
  before?(course: Course): Promise<void>;
  /** Once the operator has gone on. Resolves to the flavor that is asked for in the end; undefined: none, it is deleted. Default: the one of the resize. */
  afterwards?(course: Course): Promise<string | undefined>;
}

async function killed({ lb }: Course, which: (isNew: boolean) => boolean): Promise<void> {
  const { operation } = (await lb.get()).status ?? {};
  const names = (await lb.amphorae()).filter((a) => which(a.spec.operation === operation?.number)).map((a) => a.metadata.name);
  await Promise.all(names.map((name) => signalHaproxies(lb.folder(name), 'SIGKILL')));
}

async function deleted({ stage, lb }: Course, which: (isNew: boolean) => boolean): Promise<void> {
  const { operation } = (await lb.get()).status ?? {};
  const doomed = (await lb.amphorae()).filter((a) => which(a.spec.operation === operation?.number));
  await Promise.all(doomed.map(({ metadata: { namespace, name } }) => stage.client.delete(amphorae, { namespace, name })));
}

const ready = ({ status }: LoadBalancer) => conditionOf(status?.conditions, 'Ready');
const web = { name: 'web', protocol: 'HTTP', protocolPort: PORT, defaultPool: 'web' };
const unclosed = [{ name: 'p', action: 'REJECT', rules: [{ name: 'r', type: 'PATH', compareType: 'REGEX', value: '(unclosed' }] }];

async function makeSecret({ stage, lb }: Course): Promise<void> {
  const { certPem, keyPem } = await issueCertificate({ ca: await makeCa(), cn: 'www.example.com', dnsNames: ['www.example.com'] });
  await stage.client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: lb.namespace, name: 'www' },
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': certPem, 'tls.key': keyPem },
  } as KubeObject);
}

/** Those with which `make test` begins stand first. */
export const worldFaults: WorldFault[] = [
  { name: 'the HAProxy of the old amphora is killed', takes: true, happen: (course) => killed(course, (isNew) => !isNew) },
  {
    name: 'a listener is edited to what HAProxy refuses, and mended later',
    happen: ({ lb }) => lb.patch({ listeners: [{ ...web, l7Policies: unclosed }] }),
    async afterwards({ lb, other }) {
      await lb.until('the refusal is told', (o) => /HAProxy refuses/.test(JSON.stringify([ready(o), o.status?.operation?.message])));
      await lb.patch({ listeners: [web] });
      return other;
    },
  },
  {
    name: 'the spec goes back to the flavor in force',
    happen: ({ lb, here }) => lb.patch({ flavorId: here }),
    // What was committed at that moment is resized back.
    afterwards: async ({ here }) => here,
  },
  { name: 'the HAProxy of the new amphora is killed', takes: true, happen: (course) => killed(course, (isNew) => isNew) },
  { name: 'both HAProxies are killed', takes: true, happen: (course) => killed(course, () => true) },
  { name: 'somebody deletes the old amphora', happen: (course) => deleted(course, (isNew) => !isNew) },
  { name: 'somebody deletes the new amphora', happen: (course) => deleted(course, (isNew) => isNew) },
  {
    name: 'members flap',
    async happen({ stage }) {
      const [first, second] = stage.members.members;
      const flap = async () => {
        for (let i = 0; i < 8; i++) {
          await first!.setHealthy(i % 2 === 1);
          await second!.setHealthy(i % 4 === 3);
          await sleep(700);
        }
      };
      // It goes on beside the resize; where all is over before that, nobody is left to flap.
      flap().catch(() => {});
    },
  },
  {
    name: 'a third flavor is asked for',
    happen: ({ lb, here }) => lb.patch({ flavorId: here.endsWith('-ha') ? 'third-ha' : 'third' }),
    afterwards: async ({ here }) => (here.endsWith('-ha') ? 'third-ha' : 'third'),
  },
  {
    name: 'a listener is added, and taken away later',
    happen: ({ lb }) => lb.patch({ listeners: [web, { ...web, name: 'more', protocolPort: PORT + 1 }] }),
    async afterwards({ lb, other }) {
      await lb.until('the VIP serves both ports', ({ status }) => String(status?.vipPorts) === String([PORT, PORT + 1]));
      await lb.patch({ listeners: [web] });
      return other;
    },
  },
  {
    name: 'it is suspended for a while',
    happen: ({ lb }) => lb.patch({ suspend: true }),
    async afterwards({ lb, other }) {
      await lb.until('it is suspended', (o) => ready(o)?.reason === 'Suspended');
      await sleep(1_500);
      await lb.patch({ suspend: false });
      return other;
    },
  },
  {
    name: 'its flavor is deleted, and made again later',
    async happen({ stage, other }) {
      await stage.client.delete(flavors, { name: other });
    },
    async afterwards({ stage, lb, here, other }) {
      await sleep(1_500);
      await stage.client.create(flavors, ownFlavor(other, here.endsWith('-ha')) as KubeObject);
      await lb.patch({ flavorId: here });
      return here;
    },
  },
  {
    name: "the Secret of a listener's certificate is deleted, and made again later",
    async before(course) {
      await makeSecret(course);
      const https = { ...web, name: 'tls', protocol: 'TERMINATED_HTTPS', protocolPort: 8443, tls: { defaultTlsContainerRef: 'www' } };
      await course.lb.patch({ listeners: [web, https] });
      await course.lb.untilAtRest(course.here);
    },
    async happen({ stage, lb }) {
      await stage.client.delete(secrets, { namespace: lb.namespace, name: 'www' });
    },
    async afterwards(course) {
      await course.lb.until('the missing Secret is told of', ({ status }) => status?.listenerProblems?.[0]?.reason === 'SecretNotFound');
      await makeSecret(course);
      return course.other;
    },
  },
  {
    name: 'it is deleted',
    async happen({ lb }) {
      await lb.stopTraffic();
      await lb.delete();
    },
    afterwards: async () => undefined,
  },
];

/** A flavor that is the size of `large`, for one load balancer alone. */
export const ownFlavor = (name: string, isPair: boolean) => ({
  apiVersion: API_VERSION,
  kind: 'Flavor',
  metadata: { name },
  spec: { flavorProfile: isPair ? 'large-ha' : 'large' },
});
