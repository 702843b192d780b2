import { describe, expect, test } from '@jest/globals';
import { errorFromStatus, errorFromTransport } from '../kube/errors.ts';
import { faultBody, kubeFault } from './fault.ts';

const status = (code: number, message: string, more: object = {}) =>
  kubeFault(errorFromStatus('update loadbalancers shop/web', code, { kind: 'Status', apiVersion: 'v1', code, message, ...more }));

describe('kubeFault', () => {
  test('an admission policy that says no speaks in its own words, as a 400', () => {
    const said =
      'loadbalancers.reflavor.dev "web" is forbidden: ValidatingAdmissionPolicy \'p\' with binding \'b\' denied request: flavor "x" is disabled: choose';
    expect(status(403, said, { reason: 'Forbidden' })).toMatchObject({
      status: 400,
      message: 'Validation failure: flavor "x" is disabled: choose',
    });
  });

  test('that we ourselves lack a right is no fault of the caller’s', () => {
    expect(status(403, 'loadbalancers is forbidden: User "api" cannot update', { reason: 'Forbidden' })).toBeUndefined();
  });

  test('an invalid object is told field by field', () => {
    const causes = [{ field: 'spec.listeners[0]', message: 'Invalid value: needs tls' }, { message: 'and more' }];
    expect(status(422, 'is invalid', { reason: 'Invalid', details: { causes } })).toMatchObject({
      status: 400,
      message: 'Validation failure: spec.listeners[0]: Invalid value: needs tls; and more',
    });
  });

  test.each([
    [403, { reason: 'Forbidden', details: { causes: [{ reason: 'NamespaceTerminating' }] } }, 409, 'The project is being deleted'],
    [403, { reason: 'Forbidden', message: 'exceeded quota: lbs' }, 403, 'Quota has been met'],
    [409, { reason: 'Conflict' }, 409, 'Somebody else is changing the same object'],
    [500, { reason: 'InternalError' }, 503, 'does not answer at the moment'],
  ])('%d %j is a %d', (code, more, wanted, words) => {
    expect(status(code, 'exceeded quota: lbs', more)).toMatchObject({ status: wanted, message: expect.stringContaining(words) });
  });

  test('no answer is a 503; what is no error of Kubernetes is none of ours to explain', () => {
    expect(kubeFault(errorFromTransport('get', new Error('refused')))).toMatchObject({ status: 503 });
    expect(kubeFault(new Error('a mistake'))).toBeUndefined();
  });
});

describe('faultBody', () => {
  test('blames the client below 500', () => {
    expect(faultBody(404, 'x')).toEqual({ faultcode: 'Client', faultstring: 'x', debuginfo: null });
    expect(faultBody(501, 'x').faultcode).toBe('Server');
  });
});
