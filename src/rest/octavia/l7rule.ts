import * as z from 'zod';
import { L7CompareType, type L7Policy, L7Rule, L7RuleType, type Listener, type LoadBalancer } from '../../api/index.ts';
import { Bool, oneOf, Project, Tags } from './body.ts';
import { changed, type Draft, note, settled, swap, withChild } from './change.ts';
import { conflict, OctaviaFault } from './fault.ts';
import { read, write } from './fields.ts';
import { findL7Policy, findL7Rule, idOf, pathOf } from './ids.ts';
import { keyFor } from './names.ts';
import { Common, commonOf, type View } from './view.ts';

const Type = oneOf(L7RuleType.options);
const CompareType = oneOf(L7CompareType.options);
const Settings = { key: z.string().max(255).nullish(), invert: Bool, admin_state_up: Bool, tags: Tags };

/** Body of `POST /v2.0/lbaas/l7policies/{l7policy_id}/rules`, below `rule`; and of an element of `rules` of a policy to be created. */
export const L7RuleCreate = z.strictObject({ type: Type, compare_type: CompareType, value: z.string(), ...Settings, ...Project });
export type L7RuleCreate = z.infer<typeof L7RuleCreate>;

/** Body of `PUT /v2.0/lbaas/l7policies/{l7policy_id}/rules/{id}`, below `rule`. */
export const L7RuleUpdate = z.strictObject({
  type: Type.nullish(),
  compare_type: CompareType.nullish(),
  value: z.string().nullish(),
  ...Settings,
});
export type L7RuleUpdate = z.infer<typeof L7RuleUpdate>;

export const L7RuleResponse = z.object({
  ...Common,
  type: z.string(),
  compare_type: z.string(),
  key: z.string().nullable(),
  value: z.string(),
  invert: z.boolean(),
});
export type L7RuleResponse = z.infer<typeof L7RuleResponse>;

const FIELDS = ['type', 'compare_type', 'key', 'value', 'invert', 'admin_state_up'] as const;

/** The rule as Octavia shows it: it has no name. */
export const l7RuleOf = (view: View, listener: Listener, policy: L7Policy, rule: L7Rule): L7RuleResponse => ({
  ...commonOf(view, pathOf.rule(listener, policy, rule)),
  ...view.statuses.switched(rule.adminStateUp),
  ...read(rule, FIELDS),
});

/** @throws OctaviaFault 400, 404, 409 where the policy has as many rules as there can be */
export const createL7Rule = (
  loadBalancer: LoadBalancer,
  policyId: string,
  body: L7RuleCreate,
): { loadBalancer: LoadBalancer; id: string } =>
  withChild(loadBalancer, (draft) => {
    const { listener, policy } = findL7Policy(draft, policyId);
    return addL7Rule(draft, listener, policy, body);
  });

const MOST = 16;

/** Adds a rule to a policy of the draft, and says its path. @throws OctaviaFault */
export function addL7Rule(draft: Draft, listener: Listener, policy: L7Policy, body: L7RuleCreate): string {
  const rules = policy.rules ?? [];
  if (rules.length >= MOST)
    throw conflict(`Too many rules on L7 policy ${idOf(draft, pathOf.l7policy(listener, policy))}. There can be at most ${MOST}.`);
  const rule = written({ name: keyFor('', new Set(rules.map(({ name }) => name)), 'rule') }, body);
  policy.rules = [...rules, rule];
  const path = pathOf.rule(listener, policy, rule);
  note(draft.notes, path, { tags: body.tags ?? [] });
  return path;
}

/** @throws OctaviaFault 400, 404 */
export const updateL7Rule = (loadBalancer: LoadBalancer, policyId: string, id: string, body: L7RuleUpdate): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    const { listener, policy, rule } = findL7Rule(draft, policyId, id);
    swap(policy.rules!, rule, written({ ...rule }, body));
    note(draft.notes, pathOf.rule(listener, policy, rule), { tags: body.tags });
  });

/** @throws OctaviaFault 404 */
export const deleteL7Rule = (loadBalancer: LoadBalancer, policyId: string, id: string): LoadBalancer =>
  changed(loadBalancer, (draft) => {
    const { policy, rule } = findL7Rule(draft, policyId, id);
    policy.rules = policy.rules!.filter((other) => other !== rule);
  });

/** What becomes of a rule when a body is written into it. */
function written(next: Partial<L7Rule>, body: L7RuleUpdate): L7Rule {
  const { type, compare_type, value, ...others } = body;
  // What a rule can't be without stays where null is given for it, as in Octavia.
  write(next, { ...others, type: type ?? undefined, compare_type: compare_type ?? undefined, value: value ?? undefined }, FIELDS);
  if (next.key === '') delete next.key;
  const wrong = wrongWith(next);
  if (wrong) throw new OctaviaFault(400, `Error parsing L7Rule: Invalid L7 Rule: ${wrong}`);
  return settled(L7Rule, next);
}

/** Octavia's l7rule_data, in its words. Regular expressions are HAProxy's to judge. */
function wrongWith({ type, compareType, key, value }: Partial<L7Rule>): string | undefined {
  if (!value) return 'L7 rule type requires a value';
  switch (type) {
    case 'HEADER':
    case 'COOKIE':
      return key ? undefined : 'L7 rule type requires a key';
    case 'FILE_TYPE':
      return compareType === 'EQUAL_TO' || compareType === 'REGEX' ? undefined : 'invalid comparison type for rule type';
    case 'SSL_DN_FIELD':
      if (!key) return `L7rule type ${type} needs to specify a key and a value.`;
      return /^[a-zA-Z][A-Za-z0-9-]*$/.test(key) ? undefined : 'Invalid L7rule distinguished name field.';
    case 'SSL_CONN_HAS_CERT':
    case 'SSL_VERIFY_RESULT':
      if (key) return `L7rule type ${type} does not use the "key" field.`;
      if (type === 'SSL_CONN_HAS_CERT' && value.toLowerCase() !== 'true') return `L7rule value ${value} is not a boolean True string.`;
      if (type === 'SSL_VERIFY_RESULT' && !/^[0-9]+$/.test(value)) return `L7rule type ${type} needs a int value, which is >= 0`;
      return compareType === 'EQUAL_TO' ? undefined : `L7rule type ${type} only supports the EQUAL_TO compare type.`;
    default:
      return undefined;
  }
}
