import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { withoutManagedFields } from './managed-fields.ts';

const text = fc.oneof(fc.string(), fc.constantFrom('"managedFields":[', '\\', '"', ']', '[', '\\"]'));
const fieldsV1 = fc.dictionary(text, fc.oneof(fc.constant({}), fc.dictionary(text, fc.constant({}))));
const entry = fc.record({ manager: text, operation: text, fieldsV1, more: fc.array(text) });

test('all but the managed fields stays, whatever texts there are within and around them', () => {
  fc.assert(
    fc.property(fc.dictionary(text, text), fc.array(entry), fc.dictionary(text, text), (annotations, managedFields, data) => {
      const object = (fields: unknown[]) => ({
        type: 'ADDED',
        object: { metadata: { annotations, managedFields: fields, uid: 'u' }, data },
      });
      expect(withoutManagedFields(JSON.stringify(object(managedFields)))).toBe(JSON.stringify(object([])));
    }),
    { numRuns: 500 },
  );
});

test('what has none stays as it is', () => {
  fc.assert(
    fc.property(fc.dictionary(text, text), (annotations) => {
      const json = JSON.stringify({ metadata: { annotations } });
      expect(withoutManagedFields(json)).toBe(json);
    }),
  );
});

test('what breaks off is not JSON before or after', () => {
  for (const broken of ['{"managedFields":[', '{"managedFields":["a', '{"managedFields":["a\\"', '{"managedFields":[[]'])
    expect(() => JSON.parse(withoutManagedFields(broken))).toThrow(SyntaxError);
});
