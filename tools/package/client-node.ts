import type { Plugin } from 'esbuild';

/**
 * Of client-node only what is used goes into a bundle, as if its package.json said `sideEffects: false`: otherwise the hundreds of classes that it has
 * for the API's objects go along, and are made at every start: 12 MiB of the operator's memory.
 */
export const clientNodeAsUsed: Plugin = {
  name: 'client-node-as-used',
  setup: ({ onResolve, resolve }) =>
    onResolve({ filter: /^\.\/.+\.js$|^@kubernetes\/client-node$/ }, async ({ path, pluginData, ...from }) => {
      const concerns = !path.startsWith('.') || from.importer.includes('node_modules/@kubernetes/client-node/');
      // The second time it is this plugin that asks.
      if (!concerns || pluginData === clientNodeAsUsed) return undefined;
      return { ...(await resolve(path, { ...from, pluginData: clientNodeAsUsed })), sideEffects: false };
    }),
};
