import type { Preview } from '../../sdk/index.ts';
import type { Paint } from '../io.ts';

/** `kubectl lb resize --dry-run`: what would happen, why not, and what is good to know before. */
export function previewLines({ loadBalancer, act, from, to, refusals, warnings }: Preview, paint: Paint): string[] {
  const { namespace, name } = loadBalancer.metadata;
  const what = {
    Nothing: `nothing would happen: flavor ${to} is asked for already`,
    Resize: `would be resized ${from ? `from ${from} ` : ''}to ${to}`,
    Supersede: `would be resized ${from ? `from ${from} ` : ''}to ${to}, in place of the operation that runs`,
    Cancel: `the change of flavor would be taken back: ${to} stays in force`,
    Retry: `the resize to ${to}, which failed, would be tried again`,
  }[act];
  const head = refusals.length > 0 ? paint('red', 'would be refused, and nothing touched') : paint('green', what);
  return [
    `${namespace}/${name}: ${head}`,
    ...refusals.map(({ reason, message }) => `  ${paint('red', `refused  ${reason}`)}: ${message}`),
    ...warnings.map(({ reason, message }) => `  ${paint('yellow', `warning  ${reason}`)}: ${message}`),
    '(dry run: nothing was changed)',
  ];
}
