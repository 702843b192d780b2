import { afterAll, beforeAll } from '@jest/globals';
import type { KubeClient } from '../../src/kube/client.ts';
import { connect } from '../../src/kube/index.ts';
import type { Stack } from '../../tools/stack.ts';
import { type Members, type MembersOptions, startMembers } from '../../tools/traffic/members.ts';
import { useStack } from './stack.ts';
import type { Surroundings } from './subject.ts';

export interface Scene extends Surroundings {
  stack: Stack;
  members(): Members;
}

/** A stack of this suite's own with member servers. The values may be read inside hooks and tests only. */
export function useScene(options: MembersOptions = {}, operatorFlags: string[] = []): Scene {
  const stack = useStack({ operatorFlags: ['--progress-ms=100', '--observe-seconds=1', ...operatorFlags] });
  let members: Members;
  let client: KubeClient;
  beforeAll(async () => {
    members = await startMembers(options);
    client = connect({ kubeconfig: stack.kubeconfigPath });
  });
  afterAll(async () => {
    await client?.close();
    await members?.close();
  });
  return {
    stack,
    members: () => members,
    kubectl: (...args) => stack.kubectl(...args),
    get client() {
      return client;
    },
  };
}
