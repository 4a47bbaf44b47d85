import { join } from 'node:path';
import type { Plan } from '../plan.ts';
import type { BackendName, JsSection } from '../sections.ts';
import type { BuiltPage } from '../page/built.ts';
import { singlePage } from '../page/single.ts';
import { wgslText } from '../library/dumps.ts';
import { readUserFile } from './files.ts';
import { STANDALONE } from './package.ts';

/** Files that are the same for every program. */
const CARRIED = ['runner.js', 'runner.d.ts', 'page.js', 'page.css', 'worker.js', 'index.html'];

const carried = async (name: string): Promise<string> => new TextDecoder().decode(await readUserFile(join(STANDALONE, name), 'NN502'));

/** The page as a folder for any web server: each device fetches only the code that it needs. */
export async function folderOf({ info, plan, data, weights }: BuiltPage): Promise<Record<string, string | Uint8Array>> {
  const { js, webgpu, wasm } = plan.backends;
  const elsewhere = (['webgpu', 'wasm', 'js'] as const).filter((name) => plan.backends[name]);
  const files: Record<string, string | Uint8Array> = {
    'plan.json': JSON.stringify({ ...plan, backends: {}, elsewhere } satisfies Plan),
    'page.json': JSON.stringify(info),
  };
  const sections: Readonly<Record<BackendName, unknown>> = { webgpu, wasm, js: js && emptied(js) };
  for (const name of elsewhere) files[`plan.${name}.json`] = JSON.stringify(sections[name]);
  if (js) files['kernels.js'] = kernelModule(plan);
  if (webgpu) files['model.wgsl'] = wgslText(plan);
  if (data) files['data.safetensors'] = data;
  if (weights) files['weights.safetensors'] = weights;
  for (const name of CARRIED) files[name] = await carried(name);
  // What the page surely needs is asked for together with its script.
  const ahead = ['page.json', 'plan.json', ...(data ? ['data.safetensors'] : []), ...(weights ? ['weights.safetensors'] : [])];
  const links = ahead.map((name) => `<link rel="preload" href="${name}" as="fetch" crossorigin />`);
  files['index.html'] = (await carried('index.html')).replace('<!-- ahead -->', links.join('\n    '));
  return files;
}

/** The page as one file that opens from a disk. */
export async function singleFile(page: BuiltPage): Promise<string> {
  const [html = '', style = '', script = '', worker = ''] = await Promise.all(
    ['index.html', 'page.css', 'page.js', 'worker.js'].map(carried),
  );
  return singlePage(page, { html, style, script, worker });
}

/** The kernel texts are in a separate module: see {@link kernelModule}. */
const emptied = ({ kernels, ...rest }: JsSection): JsSection => ({ ...rest, kernels: kernels.map((k) => ({ ...k, js: '' })) });

/** CPU kernels as a module, so that pages with a strict policy need no eval. */
function kernelModule(plan: Plan): string {
  const functions = (plan.backends.js?.kernels ?? []).map(
    (k) => `  // ${k.name}\n  function (b, uniforms, lib) {\n${k.js.replace(/^/gm, '    ')}\n  },`,
  );
  return `// The kernels of ${plan.name} for machines without WebGPU; the runner takes them as { kernels }.\nexport const kernels = [\n${functions.join('\n')}\n];\n`;
}
