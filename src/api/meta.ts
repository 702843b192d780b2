import * as z from 'zod';

export { API_VERSION, GROUP, VERSION } from './names.ts';

/** A CEL rule as it stands in a CRD (KEP-2876). */
export interface CelRule {
  rule: string;
  message: string;
  fieldPath?: string;
  reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
}

/** Puts CEL rules on a schema; the CRD generator passes them through. */
export const cel = (...rules: CelRule[]) => ({ 'x-kubernetes-validations': rules });

/** Makes a list a map keyed by these fields, so that server-side apply can share it among field managers. */
export const mapList = (...keys: string[]) => ({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });

/** A list whose elements are a set of scalars. */
export const setList = { 'x-kubernetes-list-type': 'set' };

/** A list that is replaced whole. */
export const atomicList = { 'x-kubernetes-list-type': 'atomic' };

/** metav1.OwnerReference. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** `metadata` of an object. What only the server sets is optional, so that objects about to be written have this type too. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  /** RFC 3339, in UTC, to the second. */
  creationTimestamp?: string;
  /** RFC 3339; set once deletion was asked for and finalizers are still to run. */
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: unknown[];
}

/** metav1.Condition (API conventions, "Typical status properties"). */
export const Condition = z.object({
  type: z.string().min(1).max(64),
  status: z.enum(['True', 'False', 'Unknown']),
  observedGeneration: z.int().min(0).optional(),
  lastTransitionTime: z.string().max(32).meta({ format: 'date-time' }),
  reason: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/),
  message: z.string().max(4096),
});
export type Condition = z.infer<typeof Condition>;

/** RFC 3339 in UTC, as metav1.Time prints it. */
export const Timestamp = z.string().max(32).meta({ format: 'date-time' });

/** A DNS label (RFC 1123), the form of every name inside a load balancer. */
export const Name = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

/** The name of a cluster-scoped object or a Secret (RFC 1123 subdomain). */
export const ObjectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);

/** A TCP port. */
export const Port = z.int().min(1).max(65535);

/** Free text for people; it never reaches a HAProxy configuration. */
export const FreeText = z.string().max(255);
