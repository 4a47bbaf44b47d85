import { serve } from '../runtime/serve.ts';
import { hasWasm } from '../runtime/wasm.ts';

declare const self: { readonly location: { readonly href: string } };

/**
 * The worker of a built page: the model trains here, and the page stays free for its reader. Where WebAssembly is forbidden, the kernels in
 * JavaScript beside it take its place.
 */
serve(undefined, async (options) => {
  if (hasWasm()) return options;
  const { kernels } = (await import(new URL('kernels.js', self.location.href).href)) as { kernels: unknown[] };
  return { ...options, kernels };
});
