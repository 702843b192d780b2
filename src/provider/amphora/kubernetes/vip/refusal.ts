import { isForbidden, isInvalid, isNamespaceTerminating, KubeError } from '../../../../kube/errors.ts';
import { DriverError, type VipRef } from '../../driver.ts';
import type { Service } from '../objects.ts';
import { sameAddress } from './service.ts';

/**
 * What a user is told when the API server takes no Service as it was asked for; undefined where the error is no refusal. `sisters` are the Services of the
 * namespace: of another namespace's nothing is told.
 */
export function refusalOf(error: unknown, ref: VipRef, live: Service | undefined, sisters: readonly Service[]): DriverError | undefined {
  if (!(error instanceof KubeError) || isNamespaceTerminating(error)) return undefined;
  const left = live ? 'The VIP serves on as it was.' : 'Nothing was made.';
  const causes = isInvalid(error) ? (error.details?.causes ?? []) : [];
  const ofAddress = causes.filter(({ field }) => /^spec\.(clusterIP|loadBalancerIP)/.test(field ?? ''));
  if (ofAddress.length > 0) {
    const holder = sisters.find(({ spec }) => spec?.clusterIPs?.some((ip) => sameAddress(ip, ref.address ?? '')));
    const taken = ofAddress.some(({ message }) => /already allocated/.test(message ?? ''));
    const said = [...new Set(ofAddress.map(({ message }) => message))].join('; ');
    const why = holder ? `Service ${holder.metadata.name} has it` : taken ? 'another Service has it' : `the API server says: ${said}`;
    const message = `The VIP can't have the address ${ref.address}: ${why}. ${left} ${taken ? 'Free it, or make' : 'Make'} the load balancer anew with another one or with none.`;
    return new DriverError('AddressNotAvailable', message, { cause: error });
  }
  if (isInvalid(error)) {
    const message = `The API server refuses the Service of the VIP: ${error.message}. ${left} Correct vip.service in the spec.`;
    return new DriverError('InvalidSpec', message, { cause: error });
  }
  // Such as a quota of Services of type LoadBalancer, or an admission policy.
  if (isForbidden(error)) {
    const message = `The API server allows no such Service for the VIP: ${error.message}. ${left} Ask the cluster’s admins.`;
    return new DriverError('AddressNotAvailable', message, { cause: error });
  }
  return undefined;
}
