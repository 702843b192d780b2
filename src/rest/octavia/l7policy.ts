import * as z from 'zod';
import { L7Policy, type Listener, type LoadBalancer } from '../../api/index.ts';
import { Bool, integer, oneOf, Project, Reference, Tags, Text } from './body.ts';
import { changed, type Draft, note, settled, swap, withChild } from './change.ts';
import { invalid, OctaviaFault, quotaMet } from './fault.ts';
import { read, write } from './fields.ts';
import { findL7Policy, findListener, findPool, idOf, pathOf } from './ids.ts';
import { addL7Rule, L7RuleCreate } from './l7rule.ts';
import { keyFor } from './names.ts';
import { PoolInTree, requireFit } from './pool.ts';
import { type PoolKeys, poolKey } from './pools.ts';
import { Common, commonOf, Id, nameOf, type View } from './view.ts';

const Action = oneOf(L7Policy.shape.action.options);
const LAST = 2_147_483_647;
const CODES = [301, 302, 303, 307, 308] as const;

const Settings = {
  name: Text,
  description: Text,
  admin_state_up: Bool,
  redirect_pool_id: Reference,
  redirect_url: z.string().nullish(),
  redirect_prefix: z.string().nullish(),
  redirect_http_code: z.literal(CODES, `Value should be one of: ${CODES.join(', ')}`).nullish(),
  position: integer(1, LAST).nullish(),
  tags: Tags,
};

/** An L7 policy of a listener in the same call. */
export const L7PolicyInTree = z.strictObject({
  ...Settings,
  action: Action,
  redirect_pool: PoolInTree.nullish(),
  rules: z.array(L7RuleCreate).nullish(),
});
export type L7PolicyInTree = z.infer<typeof L7PolicyInTree>;

/** Body of `POST /v2.0/lbaas/l7policies`, below `l7policy`. */
export const L7PolicyCreate = L7PolicyInTree.omit({ redirect_pool: true }).extend({ listener_id: z.string(), ...Project });
export type L7PolicyCreate = z.infer<typeof L7PolicyCreate>;

/** Body of `PUT /v2.0/lbaas/l7policies/{id}`, below `l7policy`. */
export const L7PolicyUpdate = z.strictObject({ ...Settings, action: Action.nullish() });
export type L7PolicyUpdate = z.infer<typeof L7PolicyUpdate>;

export const L7PolicyResponse = z.object({
  ...Common,
  name: z.string(),
  description: z.string(),
  action: z.string(),
  listener_id: z.string(),
  redirect_pool_id: z.string().nullable(),
  redirect_url: z.string().nullable(),
  redirect_prefix: z.string().nullable(),
  redirect_http_code: z.int().nullable(),
  position: z.int(),
  rules: z.array(Id),
});
export type L7PolicyResponse = z.infer<typeof L7PolicyResponse>;

/** The policies of a listener in their order. Octavia counts them from 1 without gaps; what was written otherwise is shown by its rank. */
export const orderedPolicies = ({ l7Policies = [] }: Pick<Listener, 'l7Policies'>): L7Policy[] =>
  l7Policies.toSorted((a, b) => a.position - b.position || (a.name < b.name ? -1 : 1));

/** The policy as Octavia shows it. */
export function l7PolicyOf(view: View, listener: Listener, policy: L7Policy): L7PolicyResponse {
  const { loadBalancer } = view;
  const path = pathOf.l7policy(listener, policy);
  const { redirectPool, action } = policy;
  return {
    ...commonOf(view, path),
    ...view.statuses.switched(policy.adminStateUp),
    ...read(policy, ['admin_state_up', 'action', 'redirect_url', 'redirect_prefix']),
    name: nameOf(view, path, policy.name),
    description: policy.description ?? '',
    listener_id: idOf(loadBalancer, pathOf.listener(listener)),
    redirect_pool_id: redirectPool === undefined ? null : idOf(loadBalancer, pathOf.pool({ name: redirectPool })),
    redirect_http_code: action === 'REDIRECT_TO_URL' || action === 'REDIRECT_PREFIX' ? (policy.redirectHttpCode ?? 302) : null,
    position: orderedPolicies(listener).indexOf(policy) + 1,
    rules: (policy.rules ?? []).map((rule) => ({ id: idOf(loadBalancer, pathOf.rule(listener, policy, rule)) })),
  };
}

/** @throws OctaviaFault 400, 403, 404, 409 */
export const createL7Policy = (loadBalancer: LoadBalancer, body: L7PolicyCreate): { loadBalancer: LoadBalancer; id: string } =>
  withChild(loadBalancer, (draft) => addL7Policy(draft, findListener(draft, body.listener_id), body, new Map()));

const MOST = 32;

/**
 * Adds a policy with its rules to a listener of the draft, and says its path.
 * @param pools the pools of the same call
 * @throws OctaviaFault
 */
export function addL7Policy(draft: Draft, listener: Listener, body: L7PolicyInTree, pools: PoolKeys): string {
  if (listener.protocol !== 'HTTP' && listener.protocol !== 'TERMINATED_HTTPS')
    throw invalid(`L7 policies belong to listeners of protocol HTTP and TERMINATED_HTTPS, this one has ${listener.protocol}.`);
  const policies = listener.l7Policies ?? [];
  if (policies.length >= MOST) throw quotaMet('L7Policy', `${MOST} in a listener`);
  const name = keyFor(body.name ?? '', new Set(policies.map((other) => other.name)), 'l7policy');
  const policy = written(draft, listener, { name }, body, poolKey(body.redirect_pool, pools));
  listener.l7Policies = [...policies, policy];
  place(listener, policy, body.position ?? LAST);
  const path = pathOf.l7policy(listener, policy);
  note(draft.notes, path, { name: body.name ?? '', tags: body.tags ?? [] }, name);
  for (const rule of body.rules ?? []) addL7Rule(draft, listener, policy, rule);
  return path;
}

/** @throws OctaviaFault 400, 404 */
export const updateL7Policy = (loadBalancer: LoadBalancer, id: string, body: L7PolicyUpdate): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    const { listener, policy } = findL7Policy(draft, id);
    const next = written(draft, listener, { ...policy }, body);
    swap(listener.l7Policies!, policy, next);
    if (body.position != null && body.position !== orderedPolicies(listener).indexOf(next) + 1) place(listener, next, body.position);
    note(draft.notes, pathOf.l7policy(listener, policy), body, policy.name);
  });

/** The policies behind it move up. @throws OctaviaFault 404 */
export const deleteL7Policy = (loadBalancer: LoadBalancer, id: string): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    const { listener, policy } = findL7Policy(draft, id);
    listener.l7Policies = listener.l7Policies!.filter((other) => other !== policy);
  });

/** Puts a policy at a position among those of its listener, the last at most, and numbers all anew. */
function place(listener: Listener, policy: L7Policy, position: number): void {
  const order = orderedPolicies(listener).filter((other) => other !== policy);
  order.splice(position - 1, 0, policy);
  for (const [i, one] of order.entries()) one.position = i + 1;
}

/** What becomes of a policy when a body is written into it. `pool`: key of the pool that the body names otherwise than by id. */
function written(draft: Draft, listener: Listener, next: Partial<L7Policy>, body: L7PolicyUpdate, pool?: string): L7Policy {
  const redirectPool = pool ?? (body.redirect_pool_id ? findPool(draft, body.redirect_pool_id).name : undefined);
  if (redirectPool && (body.redirect_url || body.redirect_prefix))
    throw wrong('Cannot specify redirect_pool_id and redirect_url or redirect_prefix at the same time');
  write(next, body, ['description', 'admin_state_up', 'redirect_url', 'redirect_prefix', 'redirect_http_code']);
  if (redirectPool) next.redirectPool = redirectPool;
  else if (body.redirect_pool_id !== undefined) delete next.redirectPool;
  next.action = actionOf(body, redirectPool) ?? next.action;
  for (const [action, field] of TARGETS) {
    if (next.action !== action) delete next[field];
    else if (!next[field])
      throw wrong(`${action === 'REDIRECT_TO_POOL' ? 'redirect_pool_id or redirect_pool' : TARGET_NAMES[field]} must not be None`);
  }
  if (next.action === 'REJECT' || next.action === 'REDIRECT_TO_POOL') delete next.redirectHttpCode;
  else next.redirectHttpCode ??= 302;
  const policy = settled(L7Policy, next);
  if (policy.redirectPool) requireFit(listener, draft.spec.pools!.find(({ name }) => name === policy.redirectPool)!);
  return policy;
}

/** The one field that says where each action redirects to. */
const TARGETS = [
  ['REDIRECT_TO_POOL', 'redirectPool'],
  ['REDIRECT_TO_URL', 'redirectUrl'],
  ['REDIRECT_PREFIX', 'redirectPrefix'],
] as const;
const TARGET_NAMES = { redirectPool: 'redirect_pool_id', redirectUrl: 'redirect_url', redirectPrefix: 'redirect_prefix' };

/** As in Octavia, where a request redirects to says what it does, whatever action it names. */
function actionOf(body: L7PolicyUpdate, redirectPool: string | undefined): L7Policy['action'] | undefined {
  if (body.redirect_prefix) return 'REDIRECT_PREFIX';
  if (body.redirect_url) return 'REDIRECT_TO_URL';
  return redirectPool ? 'REDIRECT_TO_POOL' : (body.action ?? undefined);
}

const wrong = (detail: string) => new OctaviaFault(400, `Invalid L7 Policy arguments: ${detail}`);
