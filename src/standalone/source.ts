import type { Packed, PageInfo } from '../page/built.ts';
import type { Plan } from '../plan.ts';
import { isSoftware } from '../runtime/software.ts';
import type { BackendName } from '../sections.ts';

/** Where a page's parts come from: files beside it, or the page itself. */
export interface Source {
  readonly info: PageInfo;
  readonly plan: Plan;
  /** Addresses of the sections that the plan leaves out. */
  readonly sections: Readonly<Record<string, string>>;
  bytes(name: 'data' | 'weights'): Promise<Uint8Array>;
}

/** The worker starts while the rest is still on its way. */
export interface Opening {
  /** The address of the worker's script. */
  readonly worker: string;
  readonly source: Promise<Source>;
}

const at = (name: string): string => new URL(name, import.meta.url).href;

async function fetched(name: string): Promise<Response> {
  const response = await fetch(at(name));
  if (!response.ok) throw new Error(`${name} is not there (${response.status}): build the page again`);
  return response;
}

/** `device` is the one that is asked for: the code for it is fetched together with the rest. */
export function openSource(device: 'auto' | 'gpu' | 'cpu'): Opening {
  const inside = document.getElementById('packed');
  return inside ? unpacked(JSON.parse(inside.textContent ?? '') as Packed) : { worker: at('worker.js'), source: openFolder(device) };
}

async function openFolder(device: 'auto' | 'gpu' | 'cpu'): Promise<Source> {
  const json = async (name: string): Promise<unknown> => (await fetched(name)).json();
  const likely = backendFor(device);
  const [info, plan] = (await Promise.all([json('page.json'), json('plan.json')])) as [PageInfo, Plan];
  const name = await likely;
  const backends = plan.elsewhere?.includes(name) ? { [name]: await json(`plan.${name}.json`) } : {};
  return {
    info,
    plan: { ...plan, backends },
    // The loader decides in the end; it fetches another section itself.
    sections: Object.fromEntries((plan.elsewhere ?? []).map((n) => [n, at(`plan.${n}.json`)])),
    bytes: async (part) => new Uint8Array(await (await fetched(`${part}.safetensors`)).arrayBuffer()),
  };
}

/** The backend that the loader will choose, as far as the page can tell. */
async function backendFor(device: 'auto' | 'gpu' | 'cpu'): Promise<BackendName> {
  const gpu = device === 'cpu' ? undefined : (navigator as Partial<Navigator>).gpu;
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' });
  return adapter && !(device === 'auto' && isSoftware(adapter)) ? 'webgpu' : 'wasm';
}

function unpacked({ info, plan, worker, ...parts }: Packed): Opening {
  const bytes = (name: 'data' | 'weights'): Promise<Uint8Array> =>
    Promise.resolve(Uint8Array.from(atob(parts[name] ?? ''), (c) => c.charCodeAt(0)));
  return {
    worker: URL.createObjectURL(new Blob([worker], { type: 'text/javascript' })),
    source: Promise.resolve({ info, plan, sections: {}, bytes }),
  };
}
